"""Whether pip has anything to do for a requirements file: asking pip itself costs seconds."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path


def unmet(file: Path) -> list[str]:
    """The lines of a requirements file that this environment may not meet.

    Only lines that plainly name an installed distribution of a fitting version are taken as
    met; an option, an address or an extra is for pip to judge.

    Args:
        file: the requirements file; one that doesn't exist asks for nothing.
    """
    if not file.is_file():
        return []
    lines = (line.partition(" #")[0].strip() for line in file.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#") and not _met(line)]


def _met(line: str) -> bool:
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        return False
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return False
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    if requirement.extras or requirement.url:
        return False
    try:
        installed = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(installed, prereleases=True)
