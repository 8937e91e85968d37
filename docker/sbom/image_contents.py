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


class ImageFailed(Exception):
    """The image can't be looked into; says in one line why."""


@dataclass(frozen=True)
class Contents:
    """What was taken out of an image.

    Args:
        image: the image's name.
        digest: its id.
        root: a folder that stands for the image's root, with few of its files.
        python: the version of its Python.
        packages: a line of tab-separated FIELDS for each Debian package.
    """

    image: str
    digest: str
    root: Path
    python: str
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
    """The contents of an image, until the block ends.

    Raises:
        ImageFailed: there is no engine or no such image, or it is not one of ours.
    """
    with tempfile.TemporaryDirectory(prefix="byo-sbom-") as name:
        archive = io.BytesIO(in_image(image, "sh", "-c", PACK))
        with tarfile.open(fileobj=archive) as tar:
            tar.extractall(name, filter="data")
        digest = docker("image", "inspect", image, "--format", "{{.Id}}").decode().strip()
        python = in_image(image, "python", "--version").decode().split()[1]
        packages = in_image(image, "dpkg-query", "--show", f"--showformat={FIELDS}").decode()
        yield Contents(image, digest, Path(name), python, packages.splitlines())


def in_image(image: str, *command: str) -> bytes:
    return docker("run", "--rm", "--network", "none", image, *command)


def docker(*arguments: str) -> bytes:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, check=False)  # noqa: S607
    except FileNotFoundError:
        raise ImageFailed("docker is not on PATH") from None
    if done.returncode:
        cause = next(iter(done.stderr.decode(errors="replace").strip().splitlines()), "")
        raise ImageFailed(f"docker {arguments[0]} failed: {cause}")
    return done.stdout
