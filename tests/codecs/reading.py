"""The process that reads bodies for tests, and what must hold of whatever it says of one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MB = 1024**2
TIMES, LEAST = 10, 64 * MB
LONGEST_DETAIL, LONGEST_QUOTE = 500, 80


class Reader:
    """Has bodies read by a process of their own."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process, self._file = process, folder / "body"

    def read(self, content_type: str, model: str, body: bytes) -> dict[str, Any]:
        """What reading the body took, and what came of it."""
        self._file.write_bytes(body)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([content_type, model, str(self._file)]) + "\n")
        self._process.stdin.flush()
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        return said


@contextmanager
def started_reader(folder: Path) -> Iterator[Reader]:
    program = Path(__file__).with_name("reading_child.py")
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=folder,
        ) as process,
    ):
        yield Reader(process, folder)
        assert process.stdin is not None
        process.stdin.close()


def check_reading(said: dict[str, Any], body: bytes) -> None:
    """No body ends the process, is a bug, or takes more than so many times its size."""
    assert "ended" not in said, f"the process ended with {said['ended']}"
    assert said["status"] < 500, said["problem"]
    assert said["memory"] <= TIMES * max(len(body), LEAST), said
    problem = said["problem"]
    if problem is None:
        return
    detail = problem["detail"]
    assert len(detail) <= LONGEST_DETAIL
    assert detail.isprintable(), ascii(detail)
    longest = LONGEST_QUOTE + 1
    for at in range(len(detail) - longest + 1):
        assert detail[at : at + longest].encode() not in body, detail
    column = problem.get("column", "")
    assert not isinstance(column, str) or (len(column) <= LONGEST_QUOTE and column.isprintable())
