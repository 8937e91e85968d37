"""Whether any worker is at work on an invocation, and whether it may take more: for a drain.

Workers are the frontend's children and share nothing with the supervisor but the scratch
folder. So each holds a shared lock on one file there while it works, and the supervisor tries
for an exclusive one. The kernel lets go of a lock when its holder dies. The file holds one byte,
which tells workers to refuse what comes: each has it in its memory, so looking costs nothing.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_VARIABLE = "BYO_INFLIGHT_LOCK"
# A worker is idle for a moment between one queued invocation and the next, and an answer is on
# its way for a moment after the worker gave it.
QUIET_SECONDS = 0.2
POLL_SECONDS = 0.02

_TAKING, _REFUSING = b"\0", b"\1"

_descriptor: int | None = None
_told: mmap.mmap | None = None


def make_lock(path: Path) -> None:
    """Called in the supervisor, before there is any worker."""
    path.write_bytes(_TAKING)


def open_lock() -> None:
    """Called in a worker, once: open the lock that its environment names, if any."""
    global _descriptor, _told
    path = os.environ.get(LOCK_VARIABLE)
    if path:
        _descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        _told = mmap.mmap(_descriptor, len(_TAKING), prot=mmap.PROT_READ)


def is_refusing() -> bool:
    """Called in a worker: whether what comes from now on is to be refused, not answered."""
    return _told is not None and _told[0] != 0


@contextmanager
def working() -> Iterator[None]:
    """Called in a worker: this block is work that a drain should wait for."""
    if _descriptor is None:
        yield
        return
    fcntl.flock(_descriptor, fcntl.LOCK_SH)
    try:
        yield
    finally:
        fcntl.flock(_descriptor, fcntl.LOCK_UN)


def refuse_new(lock: Path) -> None:
    """Called in the supervisor: workers end what they have begun, and begin nothing more."""
    with lock.open("r+b") as file:  # in its place: workers have this very file in their memory
        file.write(_REFUSING)


def wait_until_quiet(lock: Path, seconds: float) -> bool:
    """Called in the supervisor: wait until no worker has been at work for a moment.

    Returns:
        Whether that came about within so many seconds.
    """
    deadline = time.monotonic() + seconds
    quiet_since: float | None = None
    with lock.open() as file:
        while (now := time.monotonic()) < deadline:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                fcntl.flock(file, fcntl.LOCK_UN)
                quiet_since = quiet_since or now
                if now - quiet_since >= QUIET_SECONDS:
                    return True
            except BlockingIOError:
                quiet_since = None
            time.sleep(POLL_SECONDS)
    return False
