"""Can pip read a requirements.txt?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from byo.contract_check.findings import Finding, error, ok

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_VERSION = r"(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+"
_VERSIONS = rf"{_VERSION}(?:\s*,\s*{_VERSION})*\s*,?"
# PEP 508: a name, extras, then versions or an address, then a marker.
_REQUIREMENT = re.compile(
    rf"{_NAME}\s*(?:\[\s*(?:{_NAME}(?:\s*,\s*{_NAME})*)?\s*\])?"
    rf"\s*(?:@\s*\S+|\(\s*{_VERSIONS}\s*\)|{_VERSIONS})?\s*(?:;.+)?"
)
_PATH_OR_ADDRESS = re.compile(r"[\w+]+://\S+|\.{0,2}/\S*|\S+\.(?:whl|zip|tar\.gz)")


def check_requirements(text: str, file: str) -> Iterator[Finding]:
    """Check every line, as pip would split them.

    Args:
        text: the file's content.
        file: how to name it in a finding.
    """
    wrong = 0
    lines = list(_logical_lines(text))
    for number, line in lines:
        if not _readable(line):
            wrong += 1
            yield error(f"{line!r} is not a requirement such as lightgbm>=4", file, number)
    if not wrong:
        yield ok(f"{len(lines)} requirement{'s' * (len(lines) != 1)}", file)


def _readable(line: str) -> bool:
    if line.startswith("-"):
        return True
    requirement = re.split(r"\s--", line, maxsplit=1)[0].strip()
    return bool(_REQUIREMENT.fullmatch(requirement) or _PATH_OR_ADDRESS.fullmatch(requirement))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines without comments, those that end in a backslash joined, each with its number."""
    start, joined = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        start = start or number
        if line.endswith("\\"):
            joined += line[:-1] + " "
            continue
        content = re.sub(r"(^|\s)#.*", "", joined + line).strip()
        if content:
            yield start, content
        start, joined = 0, ""
    if joined.strip():
        yield start, joined.strip()
