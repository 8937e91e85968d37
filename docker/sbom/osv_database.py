"""The OSV database as files: what to ask where there is no network.

OSV publishes a zip for each ecosystem, ``PyPI/all.zip`` and ``Maven/all.zip``, with a JSON document
for each vulnerability.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version
from vulnerabilities import AuditFailed, Finding, fixes

PYPI, MAVEN = "PyPI", "Maven"
# Where Maven puts words of a version: before the release of that number, or after it.
BEFORE = {"alpha": -5, "a": -5, "beta": -4, "b": -4, "milestone": -3, "m": -3}
BEFORE |= {"rc": -2, "cr": -2, "snapshot": -1}
SAME = {"", "final", "ga", "release"}

Record = dict[str, Any]


class OsvDatabase:
    """What some files of the database know.

    Args:
        files: zips as OSV publishes them, or JSON documents.

    Raises:
        AuditFailed: a file can't be read, or none of them knows one of the two ecosystems.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self._by_package: dict[tuple[str, str], list[tuple[Record, Record]]] = defaultdict(list)
        for file in files:
            for record in _records(file):
                self._take(record)
        for ecosystem in (PYPI, MAVEN):
            if not any(one == ecosystem for one, _ in self._by_package):
                raise AuditFailed(f"the database files hold nothing of {ecosystem}")

    def _take(self, record: Record) -> None:
        if "withdrawn" in record:
            return
        for affected in record.get("affected", []):
            package = affected.get("package", {})
            ecosystem, name = package.get("ecosystem"), package.get("name", "")
            if ecosystem in (PYPI, MAVEN):
                self._by_package[ecosystem, normal(ecosystem, name)].append((record, affected))

    def findings(self, ecosystem: str, name: str, version: str) -> Iterator[Finding]:
        """The vulnerabilities of one version of one package."""
        for record, affected in self._by_package.get((ecosystem, normal(ecosystem, name)), []):
            if is_affected(affected, ecosystem, version):
                ids = (record["id"], *record.get("aliases", []))
                yield Finding(name, version, ids, tuple(sorted(fixes(record, name))))


def normal(ecosystem: str, name: str) -> str:
    """A package's name as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem == PYPI else name


def is_affected(affected: Record, ecosystem: str, version: str) -> bool:
    """Whether a version is among those that a record names, or in one of its ranges."""
    if version in affected.get("versions", []):
        return True
    order = pypi_order if ecosystem == PYPI else maven_order
    return any(
        _is_within(one.get("events", []), order, version)
        for one in affected.get("ranges", [])
        if one.get("type") in ("ECOSYSTEM", "SEMVER")
    )


def _is_within(events: Iterable[dict[str, str]], order: Callable[[str], Any], version: str) -> bool:
    """Whether a version lies between where a fault came and where it went."""
    here = order(version)
    told = [(kind, text) for event in events for kind, text in event.items()]
    came = [order(text) for kind, text in told if kind == "introduced" and text != "0"]
    came = [place for place in came if place <= here]
    if not came and ("introduced", "0") not in told:
        return False
    for kind, text in told:
        place = order(text) if kind in ("fixed", "last_affected", "limit") else None
        if place is None or any(place < one for one in came):
            continue  # it went before it came again
        if place < here or (place == here and kind != "last_affected"):
            return False
    return True


def pypi_order(version: str) -> Any:
    """What versions of Python packages are compared by."""
    try:
        return Version(version)
    except InvalidVersion:
        return Version("0")


def maven_order(version: str) -> list[tuple[int, int, str]]:
    """What versions of Java libraries are compared by, as far as released ones take it."""
    parts = re.findall(r"\d+|[a-z]+", version.lower())
    order = [_part(part) for part in parts if part not in SAME]
    while order and order[-1] == (1, 0, ""):  # 1.0 is 1
        order.pop()
    return [*order, (0, 0, "")]


def _part(part: str) -> tuple[int, int, str]:
    if part.isdigit():
        return (1, int(part), "")
    return (-1, BEFORE[part], "") if part in BEFORE else (0, 1, part)


def _records(file: Path) -> Iterator[Record]:
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                for name in archive.namelist():
                    if name.endswith(".json"):
                        yield json.loads(archive.read(name))
        else:
            yield json.loads(file.read_bytes())
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise AuditFailed(f"{file} can't be read as a file of the OSV database: {error}") from None
