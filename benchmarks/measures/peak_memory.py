"""The most memory that a server's whole process tree holds while something is done."""

from __future__ import annotations

import threading
from types import TracebackType

from benchmarks.process_memory import memory

POLL_SECONDS = 0.01


class PeakMemory:
    """Looks at a process tree's memory, by a thread of its own, each time it is entered.

    Args:
        leader: the process that was started.
    """

    def __init__(self, leader: int) -> None:
        self._leader = leader
        self._is_over = threading.Event()
        self.bytes = 0

    def __enter__(self) -> PeakMemory:
        self._is_over.clear()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._is_over.wait(POLL_SECONDS):
            self._look()

    def _look(self) -> None:
        self.bytes = max(self.bytes, memory(self._leader))
