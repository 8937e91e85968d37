"""A clock that stands still while this process has to wait for a CPU.

What a machine is too busy for is nobody's slowness. Linux counts the time in `schedstat`; where
there is none, the clock is the usual one.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_FILE = Path("/proc/self/schedstat")
# Of this process's time, the time that it waited for a CPU, and how often it got one.
_LONGEST = 128
_SECOND = 1e9


class AwakeClock:
    """The clock of the process that makes it."""

    def __init__(self) -> None:
        self._file: int | None
        try:
            self._file = os.open(_FILE, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = None

    def now(self) -> float:
        """Seconds since some moment."""
        waited = 0.0
        if self._file is not None:
            waited = int(os.pread(self._file, _LONGEST, 0).split()[1]) / _SECOND
        return time.monotonic() - waited
