"""How a process ended, in words."""

from __future__ import annotations

import signal


def describe(code: int) -> str:
    """How a process ended.

    Args:
        code: its exit code, or the negative number of a signal.
    """
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
