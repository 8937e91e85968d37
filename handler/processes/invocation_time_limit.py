"""A bound on one invocation's time, in the two ways that the two kinds of worker need.

A timer's signal raises an exception in Python code that takes too long, so that the worker answers
and lives on. Code that never returns to Python can't be interrupted so:

- `deadline`, for multi-model-server's own workers: a thread of the interpreter's own dumps every
  stack to the log and ends the process, which the frontend then replaces.
- `TimeLimit`, for processes that answer thousands of invocations a second and may be forked again:
  the process notes in memory shared with its parent until when it may be busy, and the parent ends
  it when that has passed. A watchdog thread would cost more than an invocation.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Protocol

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


class BusyField(Protocol):
    """Where a process notes until when it may be busy, on the clock that all processes share, and
    how often it was.
    """

    busy_until: float
    finished: int


class TimeLimit:
    """As a context manager, raises DeadlineExceeded in its block after so many seconds.

    One block at a time, in the main thread.

    Args:
        shared: memory that the parent sees, too.
    """

    def __init__(self, shared: BusyField) -> None:
        self._shared: BusyField | None = shared
        self._seconds = 0.0

    def __call__(self, seconds: float) -> TimeLimit:
        self._seconds = seconds
        return self

    def __enter__(self) -> None:
        assert self._shared is not None  # noqa: S101
        # Noted before the timer is set: a process that is stopped in between is overdue, too.
        self._shared.busy_until = time.monotonic() + self._seconds + GRACE_SECONDS
        signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if self._shared is not None:
            self._shared.busy_until = 0.0
            self._shared.finished += 1

    def close(self) -> None:
        """Let go of the memory."""
        self._shared = None


def prepare_process() -> None:
    """Called in a process that uses a limit: what the timer and the parent's signal do."""
    signal.signal(signal.SIGALRM, _exceeded)
    faulthandler.enable()  # SIGABRT prints every stack to the log, and ends the process


def end_overdue(pid: int) -> None:
    """Called in the parent: end a process that is stuck, its stacks in the log."""
    os.kill(pid, signal.SIGABRT)


def _exceeded(signum: int, frame: FrameType | None) -> None:
    # At the end of a block the work is done, and only the note is still to be taken back.
    if frame is None or frame.f_code is not TimeLimit.__exit__.__code__:
        raise DeadlineExceeded
