"""When to fork another process in place of one that ended: one that died young has to wait."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

YOUNG_SECONDS = 2.0
PAUSE_SECONDS = 1.0
# After each further process that failed to do what it was forked for, twice as long, but no longer.
LONGEST_PAUSE_SECONDS = 30.0


class Backoff:
    """The pause before a process is forked again.

    It has always the same length, unless processes fail one after another.

    Args:
        clock: the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun_at = 0.0
        self._due_at = math.inf
        self._failures = 0

    def begun(self) -> None:
        """A process has been forked."""
        self._begun_at = self._clock()
        self._due_at = math.inf

    def ended(self, *, at_once: bool = True) -> None:
        """The process has ended.

        Args:
            at_once: whether to fork another without waiting, unless this one died young.
        """
        now = self._clock()
        old = now - self._begun_at > YOUNG_SECONDS
        self._due_at = now if at_once and old else now + PAUSE_SECONDS

    def failed(self) -> None:
        """The process has ended before it had done anything."""
        pause = min(PAUSE_SECONDS * 2**self._failures, LONGEST_PAUSE_SECONDS)
        self._failures += 1
        self._due_at = self._clock() + pause

    def succeeded(self) -> None:
        """A process does what it was forked for."""
        self._failures = 0

    def hasten(self) -> None:
        """There is reason to think that the next process does better: it need not wait."""
        if self.is_waiting():
            self._due_at = self._clock()

    def is_waiting(self) -> bool:
        """Whether another process is to be forked."""
        return self._due_at < math.inf

    def is_due(self) -> bool:
        """Whether the time for that has come."""
        return self._clock() >= self._due_at
