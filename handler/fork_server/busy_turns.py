"""Has the kernel look for memory at those first that have been predicting for long.

By itself it takes the largest of those that serve, which may be one that only waits.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from handler.processes.kill_order import Turn, take_turn
from handler.processes.process_shared_memory import ProcessRecord

# Who is in the same computation at two looks has been there for long.
LOOK_SECONDS = 0.4


class BusyTurns:
    """Whose turn is whose among the processes that hold models."""

    def __init__(self) -> None:
        self._finished: dict[int, int] = {}  # of those that were busy: process id -> computations
        self._long_busy: set[int] = set()
        self._look_at = 0.0

    def look(self, processes: Mapping[int, ProcessRecord]) -> None:
        """Give each its turn, if it is time; called now and then."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_SECONDS
        before, self._finished = (
            self._finished,
            {pid: one.finished for pid, one in processes.items() if one.is_loaded and one.is_busy},
        )
        long_busy = {pid for pid, count in self._finished.items() if before.get(pid) == count}
        for pid in long_busy - self._long_busy:
            take_turn(Turn.BUSY, pid)
        for pid in (self._long_busy - long_busy) & processes.keys():
            take_turn(Turn.SERVING, pid)
        self._long_busy = long_busy
