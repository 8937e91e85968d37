"""Waiting for the end of a process, whoever's child it is: a file descriptor to be read then.

Linux has such descriptors (pidfd) since 5.3. Where the kernel is older, or a container's filter
of system calls refuses them, a thread looks at the processes many times a second instead, and
closes the other end of a pipe for each that has ended.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import threading
import time
from dataclasses import dataclass

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.05
LACKING = frozenset({errno.ENOSYS, errno.EPERM, errno.EACCES, errno.EINVAL})


@dataclass(frozen=True)
class _Looked:
    """A process that is looked at: numbers are used again, so by when it was started, too."""

    pid: int
    started: bytes
    pipe: int  # the end that is closed when the process has ended

    @property
    def has_ended(self) -> bool:
        return _started(self.pid) != self.started


class _Looker:
    """Looks at processes in a thread of its own; each process that looks has its own looker."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.looked: dict[int, _Looked] = {}  # by the end of the pipe that is waited on
        self.lock = threading.Lock()
        threading.Thread(target=self._run, name="process watch", daemon=True).start()

    def add(self, pid: int, started: bytes) -> int:
        here, there = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        with self.lock:
            self.looked[here] = _Looked(pid, started, there)
        return here

    def remove(self, descriptor: int) -> None:
        with self.lock:
            looked = self.looked.pop(descriptor, None)
            if looked is not None and looked.pipe >= 0:
                os.close(looked.pipe)

    def _run(self) -> None:
        while True:
            with self.lock:
                for descriptor, one in self.looked.items():
                    if one.pipe >= 0 and one.has_ended:
                        os.close(one.pipe)
                        self.looked[descriptor] = _Looked(one.pid, one.started, -1)
            time.sleep(LOOK_SECONDS)


_looker: _Looker | None = None


def open_watch(pid: int) -> int:
    """A descriptor that can be read once a process has ended; it does not take any other's place.

    Raises:
        ProcessLookupError: there is no such process.
    """
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except OSError as error:
        if error.errno not in LACKING:
            raise
        return _look_at(pid, error)


def close_watch(descriptor: int) -> None:
    """Wait no longer."""
    if _looker is not None and _looker.owner == os.getpid():
        _looker.remove(descriptor)
    os.close(descriptor)


def send_signal(descriptor: int, number: signal.Signals) -> None:
    """Send a watched process a signal, and no other that may have its number by now.

    Raises:
        ProcessLookupError: it has ended.
    """
    looked = _looker.looked.get(descriptor) if _looker is not None else None
    if looked is None:
        signal.pidfd_send_signal(descriptor, number)
    elif looked.has_ended:
        raise ProcessLookupError
    else:
        os.kill(looked.pid, number)


def _look_at(pid: int, error: OSError) -> int:
    global _looker
    started = _started(pid)
    if started is None:
        with contextlib.suppress(PermissionError):
            os.kill(pid, 0)  # says by its own error that there is none
        # One that has ended and nobody has waited for: what is waited on can be read at once.
        started = b""
    if _looker is None or _looker.owner != os.getpid():
        if _looker is None:
            logger.warning(
                "pidfd_open is refused (%s), as by Linux before 5.3 or a filter of system calls: "
                "processes are looked at instead",
                error.strerror,
            )
        _looker = _Looker()
    return _looker.add(pid, started)


def _started(pid: int) -> bytes | None:
    """When a process was started, in ticks; None for one that has ended."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        text = os.read(descriptor, 4096)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    # The name, in parentheses, may itself hold blanks and parentheses.
    fields = text.rpartition(b")")[2].split()
    return None if fields[0] in (b"Z", b"X") else fields[19]
