"""Being woken by the end of a child."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def wake_on_children() -> Iterator[socket.socket]:
    """A socket that can be read after a child has ended; for the main thread of a process."""
    reading, writing = socket.socketpair()
    with reading, writing:
        reading.setblocking(False)
        writing.setblocking(False)
        signal.signal(signal.SIGCHLD, _noted)
        signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        yield reading
        signal.set_wakeup_fd(-1)


def _noted(signum: int, frame: FrameType | None) -> None:
    """The wakeup socket has the signal's number already."""
