"""Passes on what the script writes, at once, and remembers the end of it."""

from __future__ import annotations

import contextlib
import os
import select
import time

# Enough for the trace of a crash in native code, which lists every extension module.
KEPT_BYTES = 65536
CHUNK = 65536


class Relay:
    """Copies one of the script's output streams to one of ours.

    Args:
        source: the file descriptor to read from; it is made non-blocking.
        target: the file descriptor to write to.
    """

    def __init__(self, source: int, target: int) -> None:
        os.set_blocking(source, False)
        self._source = source
        self._target = target
        self._tail = b""
        self.last_at = time.monotonic()

    def fileno(self) -> int:
        """The file descriptor to wait at for more."""
        return self._source

    def copy(self) -> bool:
        """Copy what is there; false if there was nothing, or will be no more."""
        try:
            data = os.read(self._source, CHUNK)
        except BlockingIOError:
            return False
        if not data:
            return False
        self.last_at = time.monotonic()
        self._tail = (self._tail + data)[-KEPT_BYTES:]
        # Nobody reading our output, or no room for it, must not stop the training.
        with contextlib.suppress(OSError):
            self._write(data)
        return True

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._target, rest) :]
            except BlockingIOError:
                select.select([], [self._target], [])

    @property
    def tail(self) -> str:
        """The end of what was written."""
        return self._tail.decode("utf-8", "replace")
