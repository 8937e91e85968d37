"""What a forked process tells its parent, in memory that both share: one record a process.

Written by the process, read by its parent, without a system call on either side. A process that
is killed leaves its record as it last was.
"""

from __future__ import annotations

import ctypes
import mmap
import time
from enum import IntEnum

from handler.processes.invocation_time_limit import TimeLimit

# The connections of a pool at a time; the frontend has 16 to each worker.
MOST_CONNECTIONS = 512
LONGEST_REASON = 500


class LoadState(IntEnum):
    """How far a process has come with its model: LOADING, then one of the others for good."""

    LOADING = 0
    LOADED = 1
    REFUSING = 2  # it can't load it, and only stays until the frontend has asked and knows


class WrongState(AssertionError):
    """Something was told or done that can't be in this state: a bug of this project."""


class _Fields(ctypes.Structure):
    """The record's memory; aligned, so that each field is written in one piece."""

    _fields_ = (
        ("busy_until", ctypes.c_double),
        ("finished", ctypes.c_uint64),
        ("loaded_at", ctypes.c_double),
        ("load_state", ctypes.c_int32),
        ("connections", ctypes.c_int32),
        ("held", ctypes.c_uint8 * MOST_CONNECTIONS),
        ("reason", ctypes.c_char * LONGEST_REASON),
    )
    busy_until: float
    finished: int
    loaded_at: float
    load_state: int
    connections: int
    held: ctypes.Array[ctypes.c_uint8]
    reason: bytes


class ProcessRecord:
    """One process's record: until when it is busy, its model's state, and its connections."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, ctypes.sizeof(_Fields))
        self._fields: _Fields | None = _Fields.from_buffer(self._memory)
        self.limit = TimeLimit(self._fields)

    @property
    def is_busy(self) -> bool:
        """Whether a computation is under way."""
        return self._open.busy_until > 0

    @property
    def is_overdue(self) -> bool:
        """Whether a computation should have ended by now."""
        return 0 < self._open.busy_until < time.monotonic()

    def is_overdue_by(self, seconds: float) -> bool:
        """Whether a computation should have ended so many seconds ago."""
        return 0 < self._open.busy_until < time.monotonic() - seconds

    @property
    def load_state(self) -> LoadState:
        """How far the process has come with its model."""
        return LoadState(self._open.load_state)

    @property
    def is_loaded(self) -> bool:
        """Whether the model has loaded."""
        return self.load_state is LoadState.LOADED

    @property
    def finished(self) -> int:
        """How many computations have come to their end since the model has loaded."""
        return self._open.finished

    @property
    def loaded_seconds(self) -> float:
        """How long ago the model has loaded; 0 where it has not."""
        return time.monotonic() - self._open.loaded_at if self.is_loaded else 0.0

    def tell_loaded(self) -> None:
        """Called in the process: the model has loaded."""
        self._open.loaded_at = time.monotonic()
        self._open.finished = 0
        self._leave_loading(LoadState.LOADED)

    @property
    def connections(self) -> int:
        """How many connections of the frontend the process has, with those of its workers."""
        return self._open.connections

    def tell_connections(self, number: int) -> None:
        """Called in the process, whenever that has changed."""
        self._open.connections = number

    @property
    def reason(self) -> str:
        """Why the process could not load the model; empty if it has not said."""
        return self._open.reason.decode(errors="replace")

    def tell_reason(self, reason: str) -> None:
        """Called in the process: why it can't load the model."""
        self._open.reason = reason.encode(errors="replace")[: LONGEST_REASON - 1]

    def tell_refusing(self) -> None:
        """Called in the process: it will only let the frontend know that it can't load."""
        self._leave_loading(LoadState.REFUSING)

    @property
    def held(self) -> list[int]:
        """The places of the connections that the process has to itself at the moment."""
        return [place for place, is_held in enumerate(self._open.held) if is_held]

    def hold(self, place: int) -> None:
        """Called in the process: it has a connection to itself."""
        self._open.held[place] = 1

    def let_go(self, place: int) -> None:
        """Called in the process: others may have the connection."""
        self._open.held[place] = 0

    def close(self) -> None:
        """Called in the parent, when the process has ended: give the memory back."""
        self.limit.close()
        self._fields = None  # the map can't be closed while something points into it
        self._memory.close()

    @property
    def _open(self) -> _Fields:
        if self._fields is None:
            raise WrongState("a process's record was used after its end")
        return self._fields

    def _leave_loading(self, state: LoadState) -> None:
        if self.load_state is not LoadState.LOADING:
            raise WrongState(f"a process told {state.name} while it was {self.load_state.name}")
        self._open.load_state = state
