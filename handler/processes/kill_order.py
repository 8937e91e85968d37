"""Whom the kernel kills first where memory is out: who loads, then who serves, `serve` last.

By itself it would end the largest, which may be the frontend, and with it the server. Any process
may ask to be ended earlier than others; what user code starts inherits that.
"""

from __future__ import annotations

import contextlib
from enum import IntEnum
from pathlib import Path

FILE = Path("/proc/self/oom_score_adj")


class Turn(IntEnum):
    """A process's turn: what is added to its score, in thousandths of the memory."""

    SERVING = 500
    LOADING = 1000


def _score() -> int:
    try:
        return int(FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # no such file, as on other kernels
        return 0


# What the server was started with: no process may ask for less.
_STARTED_WITH = _score()


def take_turn(turn: Turn) -> None:
    """Have the kernel kill this process in a turn of its own."""
    with contextlib.suppress(OSError):
        FILE.write_text(str(max(turn, _STARTED_WITH)), encoding="utf-8")
