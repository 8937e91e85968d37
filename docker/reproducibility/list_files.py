#!/usr/bin/env python3
"""List the files of an image, so that two builds can be compared with `diff`.

    docker/reproducibility/list_files.py IMAGE > files.txt

One line a file, sorted by path: mode, owner, type, size, SHA-256 of the content or the target of
a link, path. Times are left out, and so are the files that the engine itself puts into each
container.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

ENGINES_OWN = {".dockerenv", "dev/console", "etc/hostname", "etc/hosts", "etc/mtab",
               "etc/resolv.conf"}  # fmt: skip
CHUNK = 1 << 20


def main(image: str) -> None:
    with exported(image) as stream, tarfile.open(fileobj=stream, mode="r|") as tree:
        lines = [(member.name, line(tree, member)) for member in tree]
    for name, text in sorted(lines):
        if name not in ENGINES_OWN:
            print(text)  # noqa: T201


@contextmanager
def exported(image: str) -> Iterator[IO[bytes]]:
    """The tar archive of a container that is made of the image, and never started."""
    name = docker("create", image).stdout.strip()
    try:
        with subprocess.Popen(["docker", "export", name], stdout=subprocess.PIPE) as export:  # noqa: S607
            yield cast("IO[bytes]", export.stdout)
    finally:
        docker("rm", name)


def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], check=True, stdout=subprocess.PIPE, text=True)  # noqa: S607


def line(tree: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    owner = f"{member.uid}:{member.gid}"
    kind = member.type.decode()
    what = f"{kind} {member.size} {content(tree, member)}"
    return f"{member.mode & 0o7777:04o} {owner} {what} {member.name}"


def content(tree: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    """What the file holds, in 64 characters; or where the link leads."""
    file = tree.extractfile(member) if member.isfile() else None
    if file is None:
        return member.linkname or "-"
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: docker/reproducibility/list_files.py IMAGE")
    try:
        main(sys.argv[1])
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        sys.exit(f"list_files: {error}")
