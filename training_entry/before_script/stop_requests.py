"""A request to stop that comes while no script runs: during a download, or while pip installs."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from training_entry.script.failure_report import signal_name
from training_entry.script.subreaper import STOP_SIGNALS

# What has been interrupted may still want to clean up; after this it is ended all the same.
CLEANING_SECONDS = 30.0
# Python runs signal handlers between its own instructions. A signal that comes just before a
# blocking system call would wait for its end; the next tick interrupts the call.
TICK_SECONDS = 0.5


class Stopped(BaseException):
    """The job was asked to stop; not an Exception, so that no retry of the toolkit's takes it.

    Args:
        number: the signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal_name(number)} before the script started")
        self.number = number

    @property
    def exit_code(self) -> int:
        """The exit code as a shell tells it."""
        return 128 + self.number


@contextmanager
def stoppable(
    overdue: Callable[[Stopped], None], seconds: float = CLEANING_SECONDS
) -> Iterator[list[Stopped]]:
    """Within the block, the first SIGTERM or SIGINT raises Stopped on the main thread.

    Args:
        overdue: called on another thread, and then the process ends, where the main thread
            can't be interrupted or takes too long over it.
        seconds: how long that is.

    Yields:
        A list that gets what was raised, as the toolkit exits with 0 in spite of it.
    """
    owner, requests = os.getpid(), list[Stopped]()
    timers: list[threading.Timer] = []

    def stop(number: int, _: FrameType | None) -> None:
        if os.getpid() != owner:  # a process that the toolkit forked
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif not requests:
            requests.append(Stopped(number))
            timers.append(_start_timer(requests[0], overdue, seconds))
            raise requests[0]

    handlers = {signal.SIGALRM: lambda *_: None, **dict.fromkeys(STOP_SIGNALS, stop)}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    ticking = signal.setitimer(signal.ITIMER_REAL, TICK_SECONDS, TICK_SECONDS)
    try:
        yield requests
    finally:
        for timer in timers:
            timer.cancel()
        signal.setitimer(signal.ITIMER_REAL, *ticking)
        for number, handler in before.items():
            signal.signal(number, handler)


def _start_timer(
    stopped: Stopped, overdue: Callable[[Stopped], None], seconds: float
) -> threading.Timer:
    def end() -> None:
        try:
            overdue(stopped)
        finally:
            os._exit(stopped.exit_code)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    return timer
