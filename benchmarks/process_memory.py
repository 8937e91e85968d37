"""The processes of a server: the memory they hold, and whether any is left."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from byo.child_processes import family

PROC = Path("/proc")
KILOBYTE = 1024
POLL_SECONDS = 0.05


def memory(leader: int) -> int:
    """Bytes that a server's whole process tree holds, the JVM among it.

    Summed up is what each process holds alone and its share of what it holds with others (PSS),
    so nothing counts twice.
    """
    return sum(_proportional_set(pid) for pid in (leader, *family(leader)))


def _proportional_set(pid: int) -> int:
    with suppress(OSError):  # it ended meanwhile
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * KILOBYTE
    return 0


def left_of(scratch: Path, seconds: float) -> list[str]:
    """The names of processes that were started for a scratch folder and don't end in time."""
    deadline = time.monotonic() + seconds
    while (left := _users_of(scratch)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return left


def _users_of(scratch: Path) -> list[str]:
    mark = str(scratch).encode()
    return [
        _read(process / "comm").decode(errors="replace").strip()
        for process in PROC.glob("[0-9]*")
        if mark in _read(process / "environ") or mark in _read(process / "cmdline")
    ]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # it ended meanwhile
        return b""
