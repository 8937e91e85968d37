"""What was installed from files of a folder, so that it need not be built at each start.

A version says nothing of a folder that a package is built from: its files may have changed. So
whoever has installed a requirements file leaves a mark beside the packages, whose name is made of
all files that it needs.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from contract.requirements.local_files import files_in, needed

PREFIX = "byo-requirements-"


def mark(file: Path) -> str:
    """The name of the mark of a requirements file as it is now."""
    digest = hashlib.sha256()
    for relative in needed(file):
        for path in files_in(file.parent / relative):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(file.parent)} {content}\n".encode())
    return f"{PREFIX}{digest.hexdigest()}"


def leave(name: str, site_packages: Path) -> None:
    """Note that a requirements file is installed.

    Args:
        name: its mark before pip ran, which may have built in its folder.
        site_packages: where its packages were installed.
    """
    (site_packages / name).touch()


def is_left(file: Path) -> bool:
    """Whether what this process imports from holds what the file asks for."""
    name = mark(file)
    return any((Path(folder) / name).is_file() for folder in sys.path if folder)
