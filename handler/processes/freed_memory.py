"""Memory that large bodies took and that is free again, given back to the machine."""

from __future__ import annotations

import ctypes
import math
import time

# What a process keeps of its memory after smaller bodies is what the next ones take.
LARGE_BYTES = 1024 * 1024
# A process that goes on with large bodies would have to ask for it anew each time.
IDLE_SECONDS = 3.0


class FreedMemory:
    """Knows whether a process has had large bodies, and gives back what it holds of them.

    The C library keeps freed memory, and more of it the larger its pieces were, for whatever comes
    next: after one large body each worker would hold several times that body.
    """

    def __init__(self) -> None:
        self._due_at: float | None = None

    def had(self, size: int) -> None:
        """A body of so many bytes has been answered."""
        if size >= LARGE_BYTES:
            self._due_at = time.monotonic() + IDLE_SECONDS

    @property
    def due_in(self) -> float:
        """In how many seconds to give back what is free; infinite where nothing is."""
        return math.inf if self._due_at is None else max(0.0, self._due_at - time.monotonic())

    def give_back(self) -> None:
        """Give back what is free, if it is time; called when there is nothing else to do."""
        if self.due_in == 0.0:
            self._due_at = None
            give_back()


def give_back() -> None:
    """Give back to the machine what this process has freed, where its C library can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
