"""Being woken by a signal, in a loop over other sources."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def wake_on(*numbers: signal.Signals) -> Iterator[socket.socket]:
    """A socket that gives the number of each of these signals, one byte each, as it comes.

    For the main thread of a process; the signals' handlers stay as they are set here.
    """
    reading, writing = socket.socketpair()
    with reading, writing:
        reading.setblocking(False)
        writing.setblocking(False)
        signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, _noted)
        try:
            yield reading
        finally:
            signal.set_wakeup_fd(-1)


def _noted(signum: int, frame: FrameType | None) -> None:
    """The socket has the signal's number already."""
