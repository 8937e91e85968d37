"""What a check found: one line each, and below it what there is to show."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from textwrap import indent


class Level(StrEnum):
    """How much a finding weighs: only an error breaks the contract."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Args:
        level: whether it is as it should be.
        text: one line: what is, and if it is wrong, what would be right.
        file: the file it is about, as the reader would name it; None for none.
        line: the line in that file; None for the file as a whole.
        details: more lines, shown below; empty for none.
    """

    level: Level
    text: str
    file: str | Path | None = None
    line: int | None = None
    details: str = ""

    def __str__(self) -> str:
        place = "" if self.file is None else f"{self.file}: "
        if self.file is not None and self.line is not None:
            place = f"{self.file}:{self.line}: "
        more = "\n" + indent(self.details, " " * 9) if self.details else ""
        return f"{self.level:<7}  {place}{self.text}{more}"


def ok(text: str, file: str | Path | None = None, details: str = "") -> Finding:
    return Finding(Level.OK, text, file, details=details)


def warning(text: str, file: str | Path | None = None, line: int | None = None) -> Finding:
    return Finding(Level.WARNING, text, file, line)


def error(text: str, file: str | Path | None = None, line: int | None = None) -> Finding:
    return Finding(Level.ERROR, text, file, line)
