"""The files and folders that a requirements file needs beside itself.

pip looks for a package's path, and for one of ``-e``, from the folder that it runs in, which is
that of the requirements file everywhere here; for ``-r`` and ``-c`` from the file that says so.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from contract.requirements.requirement_lines import Kind, Line, is_address, read_lines

_ARCHIVES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_BESIDE = (Kind.FILE, Kind.CONSTRAINTS)
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_EXTRAS = re.compile(r"\[[^\]]*\]$")
_NAMED = re.compile(r"[\w.-]+\s*(?:\[[^\]]*\])?\s*@\s*(.+)")
# What building a package leaves in its folder.
LEFT_BY_BUILDS = re.compile(r"build|dist|.*\.egg-info|__pycache__")


@dataclass(frozen=True)
class LocalFile:
    """A path that a line names.

    Args:
        line: the line.
        path: the file or folder, whether it is there or not.
        given: how the line names it.
    """

    line: Line
    path: Path
    given: str

    @property
    def is_absolute(self) -> bool:
        """Whether the line means a place of this machine, wherever the folder lies."""
        return Path(self.given).is_absolute() or self.given.startswith("file:")


def local_files(file: Path) -> list[LocalFile]:
    """All that a requirements file names by a path, and what these files name, in its order."""
    folder = file.parent
    return [found for line in read_lines(file) if (found := _local_file(line, folder))]


def local_package(line: Line, folder: Path) -> Path | None:
    """The file or folder that a line asks to install; None for what comes from elsewhere.

    Args:
        line: a requirement, editable or not.
        folder: where pip runs.
    """
    given = _path_of_package(line.value) if line.kind in (Kind.REQUIREMENT, Kind.EDITABLE) else ""
    return folder / _plain(given) if given else None


def folders_to_build(file: Path) -> list[Path]:
    """The folders that a requirements file asks to install packages from."""
    found = (local_package(line, file.parent) for line in read_lines(file))
    return [path for path in found if path is not None and path.is_dir()]


def problems(file: Path) -> Iterator[tuple[Line, str]]:
    """What of a requirements file can't be had where only its folder is: each line, and why."""
    folder = Path(os.path.normpath(file.parent.absolute()))
    for one in local_files(file):
        if one.is_absolute:
            continue
        inside = Path(os.path.normpath(one.path.absolute())).is_relative_to(folder)
        if not inside:
            yield (
                one.line,
                f"{one.given} lies outside {folder.name}/, which alone "
                "goes into an image and a job: copy it into the folder",
            )
        elif not one.path.exists():
            base = one.line.file.parent if one.line.kind in _BESIDE else file.parent
            yield one.line, f"there is no {one.given} in {base}"


def needed(file: Path) -> list[Path]:
    """What has to lie in a folder for pip to read its requirements file, relative to the folder.

    The file itself and what is named by a path in the folder. A folder stands for all in it.
    """
    folder = file.parent
    paths = [file, *(one.path for one in local_files(file) if not one.is_absolute)]
    found = (Path(os.path.normpath(path.relative_to(folder))) for path in paths if path.exists())
    return list(dict.fromkeys(path for path in found if path.parts[:1] != ("..",)))


def copy_needed(file: Path, target: Path) -> None:
    """Copy a requirements file and what it needs of its folder.

    Args:
        file: the file.
        target: the folder that stands for its own.
    """
    for relative in needed(file):
        for path in files_in(file.parent / relative):
            copy = target / path.relative_to(file.parent)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)


def files_in(path: Path) -> list[Path]:
    """A file, or all files of a folder but what building has left there, in a fixed order."""
    if path.is_file():
        return [path]
    found: list[Path] = []
    seen: set[str] = set()
    for root, folders, names in os.walk(path, followlinks=True):
        here = Path(root)
        if os.path.realpath(root) in seen:  # a link to a folder above
            folders.clear()
            continue
        seen.add(os.path.realpath(root))
        if {"pyproject.toml", "setup.py"} & {*names}:
            folders[:] = [name for name in folders if not LEFT_BY_BUILDS.fullmatch(name)]
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        found += [here / name for name in sorted(names)]
    return found


def _local_file(line: Line, folder: Path) -> LocalFile | None:
    if line.kind is Kind.OPTION or is_address(line.value):
        return None
    if line.kind in _BESIDE:
        return LocalFile(line, line.file.parent / _plain(line.value), line.value)
    if line.kind is Kind.FIND_LINKS:
        beside = line.file.parent / _plain(line.value)
        found = beside if beside.exists() else folder / _plain(line.value)
        return LocalFile(line, found, line.value)
    path = local_package(line, folder)
    return LocalFile(line, path, _path_of_package(line.value)) if path else None


def _path_of_package(value: str) -> str:
    """The path in ``./lib[extra]; marker``; empty where there is none."""
    value = re.split(r"\s;|;\s", value, maxsplit=1)[0].strip()
    named = _NAMED.fullmatch(value)
    value = _EXTRAS.sub("", named.group(1).strip() if named else value)
    if is_address(value) or re.match(r"\w+\+", value):
        return ""
    is_path = value.startswith((".", "/", "file:")) or "/" in value or value.endswith(_ARCHIVES)
    return value if is_path else ""


def _plain(given: str) -> Path:
    """A path without its ``file:``, and with the variables that pip fills in."""
    filled = _VARIABLE.sub(lambda found: os.environ.get(found[1], found[0]), given)
    return Path(unquote(urlsplit(filled).path)) if filled.startswith("file:") else Path(filled)
