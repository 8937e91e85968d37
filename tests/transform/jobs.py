"""What tests of whole jobs share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from byo.transform.outputs import RECORD

LINES = ("--split-type", "line", "--assemble-with", "line", "--accept", "text/csv")
JOINED = (*LINES, "--join", "input")


def fields(too_few: int) -> Callable[[bytes], tuple[int, bytes]]:
    """What answers each line with the number of its fields, but for so many of the last ones."""

    def answer(body: bytes) -> tuple[int, bytes]:
        lines = body.splitlines()
        kept = lines[: len(lines) - too_few]
        return 200, b"".join(b"%d\n" % (line.count(b",") + 1) for line in kept)

    return answer


def outputs(folder: Path) -> dict[str, bytes]:
    """What a job has left, but for its record."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != RECORD
    }
