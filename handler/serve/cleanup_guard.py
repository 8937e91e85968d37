"""The guard: a small shell that outlives `serve`, whatever ends that, and cleans up after it."""

from __future__ import annotations

import subprocess
from pathlib import Path

PROGRAM = Path(__file__).parent / "cleanup_guard.sh"


class CleanupGuard:
    """The shell that waits for the end of this process.

    Args:
        group: the frontend's process group, which it kills.
        folder: the scratch folder, which it removes.
        variable: NAME=VALUE in the environment of each process that it kills.
    """

    def __init__(self, group: int, folder: Path, variable: str) -> None:
        # A session of its own: a signal for the whole group of `serve` is not for the guard.
        self._process = subprocess.Popen(
            ["/bin/sh", str(PROGRAM), str(group), str(folder), variable],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def do_its_work(self, seconds: float) -> bool:
        """Have it clean up now; whether it has done so within so many seconds."""
        try:
            self._process.communicate(timeout=seconds)  # the end of its input is its signal
        except subprocess.TimeoutExpired:
            return False
        return True
