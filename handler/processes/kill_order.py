"""Whom the kernel kills first where memory is out: who loads, then who serves, `serve` last.

By itself it would end the largest, which may be the frontend, and with it the server. Any process
may ask to be ended earlier than others; what user code starts inherits that.
"""

from __future__ import annotations

import contextlib
from enum import IntEnum
from pathlib import Path

OWN = "self"


class Turn(IntEnum):
    """A process's turn: what is added to its score, in thousandths of the memory."""

    SERVING = 500
    BUSY = 750  # for long: it may be the one that takes the memory
    LOADING = 1000


def _file(pid: int | str) -> Path:
    return Path(f"/proc/{pid}/oom_score_adj")


def _score() -> int:
    try:
        return int(_file(OWN).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # no such file, as on other kernels
        return 0


# What the server was started with: no process may ask for less.
_STARTED_WITH = _score()


def take_turn(turn: Turn, pid: int | str = OWN) -> None:
    """Have the kernel kill a process, this one unless another is named, in a turn of its own."""
    with contextlib.suppress(OSError):
        _file(pid).write_text(str(max(turn, _STARTED_WITH)), encoding="utf-8")
