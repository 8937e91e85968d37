"""A step of the start that may take minutes: the log says now and then that it goes on."""

from __future__ import annotations

import logging
import time

EVERY_SECONDS = 15.0

logger = logging.getLogger(__name__)


class SlowStep:
    """One such step, from now on.

    Args:
        what: what goes on, as a log line begins.
        seconds: how long it may take.
    """

    def __init__(self, what: str, seconds: float) -> None:
        self._what = what
        self._seconds = seconds
        self._begun_at = time.monotonic()
        self._say_at = self._begun_at + EVERY_SECONDS

    @property
    def left(self) -> float:
        """How many seconds it may still take; none or fewer where the time is over."""
        return self._begun_at + self._seconds - time.monotonic()

    def look(self, detail: str = "") -> None:
        """Say that it goes on, if it is time to.

        Args:
            detail: how far it has come.
        """
        now = time.monotonic()
        if now < self._say_at:
            return
        self._say_at = now + EVERY_SECONDS
        since = now - self._begun_at
        end = f": {detail}" if detail else ""
        logger.info("%s, for %.0f s of at most %.0f s%s", self._what, since, self._seconds, end)
