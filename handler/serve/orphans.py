"""Processes that lost their parents: what hosts had started, and hosts themselves.

The supervisor adopts them, as the first process of a container does anyway: so it can end what a
killed fork server leaves behind, however deep below it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Collection
from pathlib import Path

_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True)


def adopt() -> None:
    """From now on, whatever loses its parent below this process becomes its child."""
    if _LIBC.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def reap(ours: Collection[int]) -> None:
    """Take note of the end of those that were adopted.

    Args:
        ours: the children that this process has started itself.
    """
    for pid in _children():
        if pid not in ours:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def let_go_on(ours: Collection[int]) -> list[int]:
    """Have children go on that have been stopped: nobody else ever would.

    Args:
        ours: the children that this process has started itself.

    Returns:
        Those that had been stopped.
    """
    stopped = []
    for pid in ours:
        with contextlib.suppress(ChildProcessError, ProcessLookupError):
            if os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG) is not None:
                os.kill(pid, signal.SIGCONT)  # not waited for, so its number is no other's
                stopped.append(pid)
    return stopped


def end_all(ours: Collection[int], variable: str, seconds: float) -> bool:
    """End those that were adopted and have a variable in their environment, and what they had
    started, which is adopted when they end.

    Args:
        ours: the children that this process has started itself.
        variable: the environment's, as NAME=VALUE.
        seconds: how long to try.

    Returns:
        Whether none is left.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = [pid for pid in _children() if pid not in ours and _may_have(pid, variable)]
        if not found:
            return True
        # All are killed before the first is waited for: none is to start another meanwhile. Until
        # it is waited for, its number is no other process's.
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in found:
            _wait_for(pid, deadline)
    return False


def _children() -> list[int]:
    return [
        int(pid)
        for one in Path("/proc/self/task").glob("*/children")
        for pid in one.read_text(encoding="ascii").split()
    ]


def _may_have(pid: int, variable: str) -> bool:
    """Whether a process has it, or has none any more, as it is about to end: what it had started
    is adopted only then.
    """
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return True
    return not environ or variable.encode() in environ.split(b"\0")


def _wait_for(pid: int, deadline: float) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(pid, os.WNOHANG) == (0, 0) and time.monotonic() < deadline:
            time.sleep(0.001)
