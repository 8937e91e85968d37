"""What the supervisor says, and how it puts the end of a process into words."""

from __future__ import annotations

import signal
import sys


def say(line: str) -> None:
    """A line of `serve` itself in the container's log."""
    sys.stdout.write(f"serve: {line}\n")
    sys.stdout.flush()


def describe(code: int) -> str:
    """How a process ended.

    Args:
        code: its exit code, or the negative number of a signal.
    """
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
