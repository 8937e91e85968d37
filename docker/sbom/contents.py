"""What a bill of materials needs to know of an image, taken out of it."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Run in the image by its own shell: metadata of Python packages, and the frontend's jar.
SITE = "lib/python3*/site-packages"
JAR = f"opt/venv/{SITE}/mms/frontend/model-server.jar"
JAVA = "opt/java/release"
PACK = f"cd / && tar -cf - opt/venv/{SITE}/*.dist-info usr/local/{SITE}/*.dist-info {JAR} {JAVA}"
FIELDS = "${Package}\\t${Version}\\t${Architecture}\\t${source:Package}\\n"
# Our own packages are in no index.
OWN = "byo-*.dist-info"


@dataclass(frozen=True)
class Contents:
    """What was taken out of an image.

    Args:
        image: the image's name.
        digest: its id.
        root: a folder that stands for the image's root, with few of its files.
        packages: a line of tab-separated FIELDS for each Debian package.
    """

    image: str
    digest: str
    root: Path
    packages: list[str]

    @property
    def jar(self) -> Path:
        """The jar of multi-model-server's frontend."""
        return next(self.root.glob(JAR))

    @property
    def site_packages(self) -> list[Path]:
        """The folders of Python packages, of which the metadata alone is there."""
        return sorted(self.root.glob("*/**/site-packages"))

    @property
    def java(self) -> dict[str, str]:
        """What the Java runtime says of itself."""
        lines = (self.root / JAVA).read_text(encoding="utf-8").splitlines()
        return {
            name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)
        }


@contextmanager
def unpacked(image: str) -> Iterator[Contents]:
    """The contents of an image, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="byo-sbom-") as name:
        archive = io.BytesIO(in_image(image, "sh", "-c", PACK))
        with tarfile.open(fileobj=archive) as tar:
            tar.extractall(name, filter="data")
        packages = in_image(image, "dpkg-query", "--show", f"--showformat={FIELDS}").decode()
        digest = docker("image", "inspect", image, "--format", "{{.Id}}").decode().strip()
        yield Contents(image, digest, Path(name), packages.splitlines())


def in_image(image: str, *command: str) -> bytes:
    return docker("run", "--rm", "--network", "none", image, *command)


def docker(*arguments: str) -> bytes:
    return subprocess.run(["docker", *arguments], check=True, stdout=subprocess.PIPE).stdout  # noqa: S607
