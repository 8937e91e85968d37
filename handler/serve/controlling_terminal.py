"""Whether the terminal from which `serve` was started has gone: SIGHUP means that, too."""

from __future__ import annotations

import os

TERMINAL = "/dev/tty"


class ControllingTerminal:
    """The terminal that this process has, if any."""

    def __init__(self) -> None:
        self._was_there = _is_there()

    def has_gone(self) -> bool:
        """Whether there was one, and is none any more."""
        return self._was_there and not _is_there()


def _is_there() -> bool:
    try:
        os.close(os.open(TERMINAL, os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
