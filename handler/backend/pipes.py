"""Where launchers and the template meet: two named pipes in the scratch folder."""

from __future__ import annotations

import os
from pathlib import Path

DIR_VARIABLE = "BYO_BACKEND_DIR"
LAUNCH = "launch"
PARK = "park"


def make(folder: Path) -> None:
    """Make both pipes; a launcher that opens one waits for the template to open the other end."""
    for name in (LAUNCH, PARK):
        os.mkfifo(folder / name, mode=0o600)


def open_both(folder: Path) -> tuple[int, int]:
    """Called in the template: the pipe that launchers write to, and the one they wait on.

    Both ends of each are held by this one descriptor, so they close when this process ends, and
    not before.
    """
    launch, park = (os.open(folder / name, os.O_RDWR | os.O_NONBLOCK) for name in (LAUNCH, PARK))
    return launch, park
