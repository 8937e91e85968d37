"""What the script's processes use, sampled from /proc: the peak, and a line while it is quiet."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from training_entry.script.subreaper import descendants

PAGE = os.sysconf("SC_PAGE_SIZE")
SAMPLE_SECONDS = 1.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Usage:
    """Memory of some processes at one moment.

    Args:
        resident: the bytes that they have in memory; what they share counts in each of them.
        processes: how many they are.
    """

    resident: int = 0
    processes: int = 0

    def __str__(self) -> str:
        return f"{memory(self.resident)} in {counted(self.processes)}"


class Meter:
    """Samples the processes below one, and logs a line when nothing was printed for long.

    Args:
        root: the process below which to look.
        quiet_seconds: how long nothing may be printed before a line is logged; 0 for never.
    """

    def __init__(self, root: int, quiet_seconds: float) -> None:
        self._root = root
        self._quiet_seconds = quiet_seconds
        self._started = self._logged_at = time.monotonic()
        self._due = self._started
        self.peak = Usage()

    @property
    def seconds(self) -> float:
        """How long this has been going on."""
        return time.monotonic() - self._started

    @property
    def wait_seconds(self) -> float:
        """How long until the next sample."""
        return max(0.0, self._due - time.monotonic())

    def look(self, last_output: float) -> None:
        """Take a sample if one is due, and log a line if that is due.

        Args:
            last_output: when something was printed last, on the monotonic clock.
        """
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + SAMPLE_SECONDS
        usage = usage_of(descendants(self._root))
        self.peak = max(self.peak, usage, key=lambda one: one.resident)
        if self._quiet_seconds and now - max(last_output, self._logged_at) >= self._quiet_seconds:
            self._logged_at = now
            logger.info("still running: %.0f s, %s", self.seconds, usage)


def usage_of(pids: Iterable[int]) -> Usage:
    """What processes use; those that have ended meanwhile count as none."""
    sizes = [size for pid in pids if (size := _resident(pid))]
    return Usage(sum(sizes), len(sizes))


def memory(size: int) -> str:
    """Bytes as a person reads them, in decimal units."""
    if size >= 1_000_000_000:
        return f"{size / 1_000_000_000:.1f} GB"
    return f"{size / 1_000_000:.0f} MB"


def counted(processes: int) -> str:
    """A number of processes in words."""
    return "1 process" if processes == 1 else f"{processes} processes"


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0
