"""The guard: a small shell that outlives `serve`, whatever ends that, and cleans up after it."""

from __future__ import annotations

import logging
import subprocess
import time
from pathlib import Path

from handler.processes.child_exit_status import describe

logger = logging.getLogger(__name__)

PROGRAM = Path(__file__).parent / "cleanup_guard.sh"
# One that ends as soon as it is started is not started again without a pause.
PAUSE_SECONDS = 1.0


class CleanupGuard:
    """The shell that waits for the end of this process; another takes its place if it is killed.

    Args:
        group: the frontend's process group, which it kills.
        folder: the scratch folder, which it removes.
        variable: NAME=VALUE in the environment of each process that it kills.
    """

    def __init__(self, group: int, folder: Path, variable: str) -> None:
        self.command = ("/bin/sh", str(PROGRAM), str(group), str(folder), variable)
        self._process = self._start()
        self._due_at = time.monotonic() + PAUSE_SECONDS

    @property
    def pid(self) -> int:
        """Its process id, at the moment."""
        return self._process.pid

    def look(self) -> None:
        """Start another if it has ended; called each second, and when a child has changed."""
        if self._process.poll() is None or time.monotonic() < self._due_at:
            return
        ending = describe(self._process.returncode)
        logger.warning("what cleans up after this process ended: %s; it is started again", ending)
        self._start_again()

    def do_its_work(self, seconds: float) -> bool:
        """Have it clean up now; whether it has done so within so many seconds."""
        if self._process.poll() is not None:
            self._start_again()
        try:
            self._process.communicate(timeout=seconds)  # the end of its input is its signal
        except subprocess.TimeoutExpired:
            return False
        return self._process.returncode >= 0  # and not killed on its way

    def _start_again(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process = self._start()
        self._due_at = time.monotonic() + PAUSE_SECONDS

    def _start(self) -> subprocess.Popen[bytes]:
        # A session of its own: a signal for the whole group of `serve` is not for the guard.
        return subprocess.Popen(self.command, stdin=subprocess.PIPE, start_new_session=True)
