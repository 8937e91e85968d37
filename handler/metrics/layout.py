"""The memory of one record: what one process has counted of one model.

All that is counted is a row of cells, each a double, so that records are added cell by cell. Only
the process itself writes to it; a reader may see an invocation of which a part is counted.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from itertools import accumulate

MAGIC = 0x62796F_6D_0001
# The page that a record takes of memory, and of the scratch folder.
RECORD_BYTES = 4096
LONGEST_MODEL = 256
LONGEST_USER_NAME = 64
# How many names user code may have for what it measures, in one process.
MOST_USER_NAMES = 32


class Histogram:
    """The cells of one histogram: a bucket for each bound and one beyond, then the sum.

    Args:
        bounds: the largest value of each bucket.
        at: the number of its first cell.
    """

    __slots__ = ("at", "bounds", "end", "sum_at")

    def __init__(self, bounds: Sequence[float], at: int) -> None:
        self.bounds = tuple(bounds)
        self.at = at
        self.sum_at = at + len(self.bounds) + 1
        self.end = self.sum_at + 1


_SECONDS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0)
_LOAD_SECONDS = (0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 600.0)
_ROWS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 10_000.0, 100_000.0)
_ALL_BOUNDS = (_SECONDS, _SECONDS, _SECONDS, _SECONDS, _ROWS, _LOAD_SECONDS)
_STARTS = tuple(accumulate((len(bounds) + 2 for bounds in _ALL_BOUNDS), initial=0))

QUEUE, DECODE, PREDICT, ENCODE, ROWS, LOAD = (
    Histogram(bounds, at) for bounds, at in zip(_ALL_BOUNDS, _STARTS, strict=False)
)
STAGES = {"queue": QUEUE, "decode": DECODE, "predict": PREDICT, "encode": ENCODE}
# How a load ends: the last one is of a process that ended before it was known.
OUTCOMES = ("loaded", "failed", "no_memory", "died")
# Why a process was replaced.
REASONS = ("exited", "crashed", "killed", "overdue", "fork_server")
OUTCOMES_AT = LOAD.end
REASONS_AT = OUTCOMES_AT + len(OUTCOMES)
# What user code measured beyond its names, or that is no number.
LEFT_OUT_AT = REASONS_AT + len(REASONS)
CELLS = LEFT_OUT_AT + 1


class UserCells(ctypes.Structure):
    """One name of user code: how often it was measured, and the sum of that."""

    _fields_ = (
        ("name", ctypes.c_char * LONGEST_USER_NAME),
        ("times", ctypes.c_double),
        ("sum", ctypes.c_double),
    )
    name: bytes
    times: float
    sum: float


class RecordFields(ctypes.Structure):
    """The record's memory.

    Its members: whose it is; since when its process has been loading the model, 0 when it is not;
    whether it holds it; and what is counted.
    """

    _fields_ = (
        ("magic", ctypes.c_uint64),
        ("pid", ctypes.c_int32),
        ("is_loaded", ctypes.c_int32),
        ("loading_since", ctypes.c_double),
        ("model", ctypes.c_char * LONGEST_MODEL),
        ("cells", ctypes.c_double * CELLS),
        ("users", UserCells * MOST_USER_NAMES),
    )
    magic: int
    pid: int
    is_loaded: int
    loading_since: float
    model: bytes
    cells: ctypes.Array[ctypes.c_double]
    users: ctypes.Array[UserCells]


assert ctypes.sizeof(RecordFields) <= RECORD_BYTES  # noqa: S101
