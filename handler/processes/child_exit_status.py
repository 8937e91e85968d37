"""How a process ended, in words."""

from __future__ import annotations

import signal

# What a process does to itself when its code is at fault.
_FAULTS = {
    signal.SIGABRT,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGSEGV,
    signal.SIGSYS,
    signal.SIGTRAP,
}


def describe(code: int) -> str:
    """How a process ended.

    Args:
        code: its exit code, or the negative number of a signal.
    """
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def describe_load_end(code: int) -> str:
    """How a process ended that was loading a model, and what that may mean.

    Args:
        code: as for `describe`.
    """
    how = describe(code)
    if code >= 0:
        return f"{how}: the algorithm's own code ended it, as os._exit does"
    if was_killed(code):
        return f"{how}, perhaps for lack of memory"
    return f"{how}: native code crashed, and the stacks above say where"


def was_killed(code: int) -> bool:
    """Whether it ended by a signal that comes from elsewhere, not by its own doing.

    Args:
        code: as for `describe`.
    """
    return code < 0 and signal.Signals(-code) not in _FAULTS
