"""Whether any worker is at work on an invocation: what a drain waits for.

Workers are the frontend's children and share nothing with the supervisor but the scratch
folder. So each holds a shared lock on one file there while it works, and the supervisor tries
for an exclusive one. The kernel lets go of a lock when its holder dies.
"""

from __future__ import annotations

import fcntl
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

_descriptor: int | None = None


def open_lock() -> None:
    """Called in a worker, once: open the lock that its environment names, if any."""
    global _descriptor
    path = os.environ.get(LOCK_VARIABLE)
    _descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC) if path else None


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
