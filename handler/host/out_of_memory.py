"""How a load for which there is not enough memory ends, so that the frontend answers with 507."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time

from contract.machine import MEBIBYTE
from handler.processes.memory_notes import RefusalNote

logger = logging.getLogger(__name__)

REAP_SECONDS = 5.0
# The frontend knows that a process has ended a moment after the kernel does.
KNOWN_SECONDS = 0.02
NO_MEMORY = "there is not enough memory to load the model"


class NotEnoughMemory(MemoryError):
    """A load for which there is not enough memory, with figures.

    Args:
        note: the figures.
        name: what the model's files are called; empty where that is not known.
        said: what the code raised that asked for too much.
    """

    def __init__(self, note: RefusalNote, name: str = "", said: str = "") -> None:
        self.note = note
        super().__init__(described(note, name, said))


def described(note: RefusalNote, name: str = "", said: str = "") -> str:
    """Why a load is refused, and what to do, in one line."""
    free = f"{_mb(note.free)} of {_mb(note.limit)} are free"
    if said:
        why = f"its code ran out of it ({said}) where {free}"
    else:
        files = f" for {name}" if name else ""
        why = f"it needs at least {_mb(note.needed)}{files}, and {free}"
    return f"{NO_MEMORY}: {why}; unload other models, or take an instance with more memory"


def _mb(size: int) -> str:
    return f"{size // MEBIBYTE} MB"


def end_executed_process(pid: int) -> None:
    """End the process that the frontend started for a model, as the kernel would.

    For a MemoryError the frontend is to answer LOAD with 507, as it does, but it then keeps the
    model registered without a worker, and every further LOAD is a 409. It forgets the model if
    by then the process that it started has ended.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + REAP_SECONDS
        while time.monotonic() < until:
            os.kill(pid, 0)  # until the frontend has noticed, and it is no zombie
            time.sleep(0.01)
        logger.warning(
            "process %d, which stands for a model, did not end within %.0f s: the frontend may "
            "keep the model registered until it is unloaded",
            pid,
            REAP_SECONDS,
        )
    time.sleep(KNOWN_SECONDS)
