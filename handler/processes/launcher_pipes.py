"""Where launchers and the fork server meet: two named pipes in the scratch folder.

A launcher writes to the one, which the fork server reads, and waits on the other until the fork
server has ended. The supervisor holds that one: it knows of a fork server's end when nothing of it
is left, so what a launcher writes from then on waits for the next fork server.
"""

from __future__ import annotations

import os
from pathlib import Path

DIR_VARIABLE = "BYO_BACKEND_DIR"
LAUNCH = "launch"
PARK = "park"


def make(folder: Path) -> None:
    """Make both pipes."""
    for name in (LAUNCH, PARK):
        os.mkfifo(folder / name, mode=0o600)


def open_launch(folder: Path) -> int:
    """Called in the fork server: the pipe that launchers write to.

    A launcher that opens it waits until this is called. Both ends are held by this one
    descriptor, so they close when this process ends, and not before.
    """
    return os.open(folder / LAUNCH, os.O_RDWR | os.O_NONBLOCK)


class LauncherWait:
    """Called in the supervisor: what launchers wait on.

    Args:
        folder: where the pipe is.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / PARK
        self._held = self._hold()

    def let_go(self) -> None:
        """End the wait of every launcher; those that wait again wait on a new pipe.

        Were it the same one, a launcher that is slow to wake would find it held again, and
        would wait on.
        """
        before = self._held
        self._path.unlink(missing_ok=True)
        os.mkfifo(self._path, mode=0o600)
        self._held = self._hold()
        os.close(before)

    def close(self) -> None:
        os.close(self._held)

    def _hold(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_NONBLOCK)
