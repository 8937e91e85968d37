"""A bound on one invocation's time.

A timer's signal raises an exception in the code that takes too long, so the worker answers and
lives on. Code that never returns to Python can't be interrupted so: there a second timer, a
thread of the interpreter's own, dumps every stack to the log and ends the process, which the
frontend then replaces.
"""

from __future__ import annotations

import faulthandler
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

GRACE_SECONDS = 5.0


class DeadlineExceeded(BaseException):
    """Not an Exception, so that a user's ``except Exception`` does not swallow it."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise DeadlineExceeded in this block after so many seconds.

    Works in a process's main thread only, where the stock worker handles its connection;
    elsewhere the block runs without a bound.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGALRM, _raise)
    faulthandler.dump_traceback_later(seconds + GRACE_SECONDS, exit=True)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, previous)


def _raise(signum: int, frame: FrameType | None) -> None:
    raise DeadlineExceeded
