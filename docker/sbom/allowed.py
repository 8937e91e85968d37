"""The vulnerabilities that are known and let be, each with a reason and a day to look again."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vulnerabilities import Finding

FILE = Path(__file__).parent / "allowed.toml"
MEMBERS = {"id": str, "reason": str, "review_by": datetime.date}


class AllowedUnreadable(Exception):
    """The list can't be used; says in one line why."""


@dataclass(frozen=True)
class Allowed:
    """One vulnerability that is let be.

    Args:
        id: any of its names: CVE, GHSA or PYSEC.
        reason: why it does no harm here.
        review_by: the last day on which that counts.
    """

    id: str
    reason: str
    review_by: datetime.date


def read_allowed(file: Path) -> list[Allowed]:
    """The entries of a list.

    Raises:
        AllowedUnreadable: it is not of the form that is meant.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AllowedUnreadable(f"{file} can't be read: {error}") from None
    entries = document.pop("allowed", [])
    if document or not isinstance(entries, list):
        raise AllowedUnreadable(f"{file} must hold tables [[allowed]] and nothing else")
    for number, entry in enumerate(entries, start=1):
        if entry.keys() != MEMBERS.keys():
            raise AllowedUnreadable(f"{file}: entry {number} must have {', '.join(MEMBERS)}")
        for name, kind in MEMBERS.items():
            # Of a date with a time it can't be said which day it is.
            if type(entry[name]) is not kind or not entry[name]:
                raise AllowedUnreadable(f"{file}: {name} of entry {number} is no {kind.__name__}")
    return [Allowed(**entry) for entry in entries]


@dataclass(frozen=True)
class Verdict:
    """What the list says of what was found.

    Args:
        refused: what is not listed.
        overdue: what is listed, and was to be looked at again by now.
        allowed: what is listed.
        unused: what is listed and was not found.
    """

    refused: list[Finding]
    overdue: list[tuple[Finding, Allowed]]
    allowed: list[tuple[Finding, Allowed]]
    unused: list[Allowed]

    @property
    def is_good(self) -> bool:
        return not (self.refused or self.overdue)


def judge(findings: Iterable[Finding], entries: list[Allowed], today: datetime.date) -> Verdict:
    """Hold findings against a list."""
    verdict = Verdict([], [], [], list(entries))
    for finding in findings:
        entry = next((one for one in entries if one.id in finding.ids), None)
        if entry is None:
            verdict.refused.append(finding)
            continue
        if entry in verdict.unused:
            verdict.unused.remove(entry)
        (verdict.allowed if today <= entry.review_by else verdict.overdue).append((finding, entry))
    return verdict
