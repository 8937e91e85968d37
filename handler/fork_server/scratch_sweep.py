"""Removes the files that the frontend leaves in the scratch folder: two for each connection.

It makes them for what a worker prints, opens them and never removes them; our workers print by the
launcher's output. On a tmpfs they are memory.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

ENDINGS = ("-stdout", "-stderr")
# The frontend opens each as soon as it has made it.
OPENED_SECONDS = 5.0
SWEEP_SECONDS = 5.0


class ScratchSweep:
    """Sweeps the scratch folder now and then.

    Args:
        folder: the scratch folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._due_at = 0.0

    def look_after(self) -> None:
        """Sweep, if it is time; called now and then."""
        if time.monotonic() < self._due_at:
            return
        self._due_at = time.monotonic() + SWEEP_SECONDS
        with contextlib.suppress(OSError):  # it is gone when `serve` ends
            self._sweep(time.time() - OPENED_SECONDS)

    def _sweep(self, made_before: float) -> None:
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(ENDINGS) and entry.stat().st_mtime < made_before:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(entry.path)  # noqa: PTH108 - it may be thousands
