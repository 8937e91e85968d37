"""Can pip read a requirements.txt, and is all there that it names by a path?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from byo.contract_check.findings import Finding, error, ok, warning
from contract.requirements.local_files import local_files, local_package, problems
from contract.requirements.pip_run import without_credentials
from contract.requirements.requirement_lines import Kind, Line, read_lines
from contract.requirements.what_is_lacking import differing

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_VERSION = r"(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+"
_VERSIONS = rf"{_VERSION}(?:\s*,\s*{_VERSION})*\s*,?"
# PEP 508: a name, extras, then versions or an address, then a marker.
_REQUIREMENT = re.compile(
    rf"{_NAME}\s*(?:\[\s*(?:{_NAME}(?:\s*,\s*{_NAME})*)?\s*\])?"
    rf"\s*(?:@\s*\S+|\(\s*{_VERSIONS}\s*\)|{_VERSIONS})?\s*(?:;.+)?"
)
_ADDRESS = re.compile(r"[\w+]+://\S+\s*(?:;.+)?")


def check_requirements(file: Path) -> Iterator[Finding]:
    """Check every line, and those of the files that it names.

    Args:
        file: the requirements file.
    """
    lines = read_lines(file)
    wrong = [
        (line, f"{line.text!r} is not a requirement such as lightgbm>=4")
        for line in lines
        if not _readable(line, file.parent)
    ]
    wrong += problems(file)
    for line, why in wrong:
        yield error(why, _name(line, file), line.number)
    for one in local_files(file):
        if one.is_absolute:
            yield warning(
                f"{one.given} is a place of this machine, which an image and a job elsewhere lack: "
                "copy it into the folder, and name it from there",
                _name(one.line, file),
                one.line.number,
            )
    if not wrong:
        yield _count(file, lines)


def _count(file: Path, lines: list[Line]) -> Finding:
    packages = (Kind.REQUIREMENT, Kind.EDITABLE)
    count = sum(line.kind in packages and not line.constrains for line in lines)
    others = [
        f"{without_credentials(text)}: {version} is installed here, and stays; a job and a server "
        "get their own"
        for text, version in differing(file)
    ]
    return ok(f"{count} requirement{'s' * (count != 1)}", file.name, details="\n".join(others))


def _name(line: Line, file: Path) -> str:
    """How the reader would name the file of a line."""
    inside = line.file.is_relative_to(file.parent)
    return str(line.file.relative_to(file.parent)) if inside else str(line.file)


def _readable(line: Line, folder: Path) -> bool:
    if line.kind is not Kind.REQUIREMENT or local_package(line, folder) is not None:
        return True
    return bool(_REQUIREMENT.fullmatch(line.value) or _ADDRESS.fullmatch(line.value))
