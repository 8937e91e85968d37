"""Bounds on the time of a computation, for processes that answer thousands of them a second.

A timer's signal raises an exception in Python code that takes too long. Code that never returns
to Python can't be interrupted so: for that case, the process notes in memory shared with its
parent until when it may be busy, and the parent ends it when that has passed.
"""

from __future__ import annotations

import faulthandler
import mmap
import os
import signal
import struct
import time
from types import FrameType, TracebackType

from handler.processes.deadline import GRACE_SECONDS, DeadlineExceeded

_NOTE = struct.Struct("=dBi")
_STATE = 8
_CONNECTIONS = struct.Struct("=i"), 9
_LOADED, _REFUSED = 1, 2


class Note:
    """What a process tells its parent through memory: until when it is busy, and what it did."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _NOTE.size)
        self.set_connections(-1)
        self.limit = _Limit(self._memory)

    @property
    def busy(self) -> bool:
        """Whether a computation is under way."""
        return self._until > 0

    @property
    def overdue(self) -> bool:
        """Whether a computation should have ended by now."""
        return 0 < self._until < time.monotonic()

    @property
    def _until(self) -> float:
        until: float = _NOTE.unpack_from(self._memory)[0]
        return until

    @property
    def loaded(self) -> bool:
        """Whether the model has loaded."""
        return self._memory[_STATE] == _LOADED

    def set_loaded(self) -> None:
        self._memory[_STATE] = _LOADED

    @property
    def refused(self) -> bool:
        """Whether the process only stays to say that it has no memory for the model."""
        return self._memory[_STATE] == _REFUSED

    def set_refused(self) -> None:
        self._memory[_STATE] = _REFUSED

    @property
    def connections(self) -> int:
        """How many of the frontend's connections the process has; -1 if it never had any."""
        form, at = _CONNECTIONS
        count: int = form.unpack_from(self._memory, at)[0]
        return count

    def set_connections(self, count: int) -> None:
        form, at = _CONNECTIONS
        form.pack_into(self._memory, at, count)

    def close(self) -> None:
        """Give the memory back; called in the parent."""
        self.limit.forget()
        self._memory.close()


class _Limit:
    """As a context manager, raises DeadlineExceeded in its block after so many seconds.

    One block at a time, in the main thread.
    """

    def __init__(self, memory: mmap.mmap) -> None:
        self._until: memoryview[float] | None = memoryview(memory)[:8].cast("d")
        self._seconds = 0.0

    def __call__(self, seconds: float) -> _Limit:
        self._seconds = seconds
        return self

    def __enter__(self) -> None:
        assert self._until is not None  # noqa: S101
        self._until[0] = time.monotonic() + self._seconds + GRACE_SECONDS
        signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if self._until is not None:
            self._until[0] = 0.0

    def forget(self) -> None:
        if self._until is not None:
            self._until.release()
            self._until = None


def prepare_process() -> None:
    """Called in a process that uses a limit: what the timer and the parent's signal do."""
    signal.signal(signal.SIGALRM, _exceeded)
    faulthandler.enable()  # SIGABRT prints every stack to the log, and ends the process


def end_overdue(pid: int) -> None:
    """Called in the parent: end a process that is stuck, its stacks in the log."""
    os.kill(pid, signal.SIGABRT)


def _exceeded(signum: int, frame: FrameType | None) -> None:
    # At the end of a block the work is done, and only the note is still to be taken back.
    if frame is None or frame.f_code is not _Limit.__exit__.__code__:
        raise DeadlineExceeded
