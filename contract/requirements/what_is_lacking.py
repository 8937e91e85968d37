"""Whether pip has anything to do for a requirements file.

Asking pip itself costs seconds. Only lines that plainly name an installed distribution of a
fitting version are taken as met; an address or an extra is for pip to judge.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from contract.requirements import installed_marks
from contract.requirements.local_files import local_package
from contract.requirements.requirement_lines import Kind, Line, read_lines

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def unmet(file: Path) -> list[str]:
    """The lines of a requirements file, and of those it names, that may not be met here.

    Args:
        file: the requirements file; one that doesn't exist asks for nothing.
    """
    lacking = [line.text for line in read_lines(file) if not _met(line, file.parent)]
    return [] if lacking and installed_marks.is_left(file) else lacking


def differing(file: Path) -> list[tuple[str, str]]:
    """The lines that ask for another version of what is installed, each with that version."""
    lines = [line for line in read_lines(file) if line.kind is Kind.REQUIREMENT]
    found = [(line.text, _other_version(line)) for line in lines]
    return [(text, version) for text, version in found if version]


def _met(line: Line, folder: Path) -> bool:
    if line.kind in (Kind.OPTION, Kind.FIND_LINKS):
        return True
    if line.kind in (Kind.FILE, Kind.CONSTRAINTS):
        # Its lines are read as well, where it is there.
        return (line.file.parent / line.value).is_file()
    if line.constrains:
        return not _other_version(line)
    package = local_package(line, folder)
    if package is not None:
        # pip takes a wheel as installed by its version, and builds anything else again.
        return line.kind is Kind.REQUIREMENT and _has_version_of(package)
    return _is_installed(line.value)


def _has_version_of(wheel: Path) -> bool:
    name, _, rest = wheel.name.partition("-")
    return wheel.suffix == ".whl" and _version(name) == rest.partition("-")[0]


def _is_installed(value: str) -> bool:
    requirement = _parsed(value)
    if requirement is None:
        return False
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    if requirement.extras or requirement.url:
        return False
    installed = _version(requirement.name)
    return installed is not None and requirement.specifier.contains(installed, prereleases=True)


def _other_version(line: Line) -> str | None:
    """The installed version that a line rules out; None where there is none."""
    requirement = _parsed(line.value)
    if requirement is None:
        return None
    installed = _version(requirement.name)
    if installed is None or requirement.specifier.contains(installed, prereleases=True):
        return None
    if requirement.marker is not None and not requirement.marker.evaluate():
        return None
    return installed


def _parsed(value: str) -> Requirement | None:
    """What a line asks for; None for what only pip can read, or if packaging is not there."""
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        return None
    try:
        return Requirement(value)
    except InvalidRequirement:
        return None


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
