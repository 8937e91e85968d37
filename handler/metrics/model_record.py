"""What this process counts of a model: a file in the scratch folder that is part of its memory.

A lock on the file says that its process lives: the kernel lets go of it however the process ends,
and whoever gets it then has the last word of that process.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import logging
import mmap
import os
import time
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path

from handler.metrics.layout import (
    LONGEST_MODEL,
    MAGIC,
    RECORD_BYTES,
    Histogram,
    RecordFields,
)
from handler.processes import launcher_pipes

logger = logging.getLogger(__name__)

# In the scratch folder; where it is not, nothing is counted.
FOLDER = "metrics"
ENDING = ".record"

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mmap.restype = ctypes.c_void_p
_LIBC.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
_LIBC.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_MAP_FAILED = ctypes.c_void_p(-1).value
# Notes a value that so many had, one where it is not said.
Observer = Callable[..., None]


class ModelRecord:
    """What one process counts of one model.

    Args:
        fields: its memory.
    """

    def __init__(self, fields: RecordFields) -> None:
        self.fields = fields
        self.cells = memoryview(fields.cells).cast("B").cast("d")

    def observe(self, histogram: Histogram, value: float, times: int = 1) -> None:
        """Note a value, which so many had."""
        cells = self.cells
        cells[histogram.at + bisect_left(histogram.bounds, value)] += times
        cells[histogram.sum_at] += value * times

    def observer(self, histogram: Histogram) -> Observer:
        """What notes a value that so many had, as `observe` does, at half its cost.

        For who holds the record meanwhile: its memory does not outlive it.
        """
        cells, at, bounds, sum_at = self.cells, histogram.at, histogram.bounds, histogram.sum_at

        def observe(value: float, times: int = 1) -> None:
            cells[at + bisect_left(bounds, value)] += times
            cells[sum_at] += value * times

        return observe

    def count(self, cell: int) -> None:
        """Note that something has happened once."""
        self.cells[cell] += 1.0

    def close(self) -> None:
        """There is nothing to count of the model any more."""


class FileRecord(ModelRecord):
    """A record in a file, which others read.

    Args:
        folder: where to make it.
        model: the model's name; empty for what concerns no model.

    Raises:
        OSError: it can't be made.
    """

    def __init__(self, folder: Path, model: str) -> None:
        self._address: int | None = None
        pid = os.getpid()
        path = folder / f"{pid}-{time.monotonic_ns()}"
        self._lock = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            # Before the file has its name, and is read: who finds it without a lock takes it away.
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            # All of it at once: a write to memory that there is no room for would end the process.
            os.posix_fallocate(self._lock, 0, RECORD_BYTES)
            self._address = _mapped(self._lock)
            super().__init__(RecordFields.from_address(self._address))
            self.fields.pid = pid
            self.fields.model = model.encode(errors="replace")[: LONGEST_MODEL - 1]
            self.fields.magic = MAGIC
            path.rename(path.with_name(path.name + ENDING))
        except OSError:
            self.close()
            path.unlink(missing_ok=True)
            raise

    def close(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __del__(self) -> None:
        # Who counts holds the record itself, never a part of its memory.
        if self._address is not None:
            _LIBC.munmap(self._address, RECORD_BYTES)


def _mapped(descriptor: int) -> int:
    """The address of a file in memory.

    Not by the module for that: it keeps a descriptor of its own, which whoever is forked closes
    with all others, and would close again when it may be another file's.
    """
    access = mmap.PROT_READ | mmap.PROT_WRITE
    address = _LIBC.mmap(None, RECORD_BYTES, access, mmap.MAP_SHARED, descriptor, 0)
    if address is None or address == _MAP_FAILED:
        raise OSError(ctypes.get_errno(), "mmap")
    return int(address)


def _observe_nothing(value: float, times: int = 1) -> None:
    pass


class UnreadRecord(ModelRecord):
    """A record that nobody reads, where nothing is to be counted or nothing can be."""

    def __init__(self) -> None:
        super().__init__(RecordFields())

    def observe(self, histogram: Histogram, value: float, times: int = 1) -> None:
        pass

    def observer(self, histogram: Histogram) -> Observer:
        return _observe_nothing

    def count(self, cell: int) -> None:
        pass


# The folder of a process that is not told it by its environment.
_folder: Path | None = None
# Those of this process, by the model's name.
_records: dict[str, ModelRecord] = {}


def count_in(scratch: Path) -> Path:
    """Called in `serve`: make the folder in which all processes of this server count."""
    global _folder
    _folder = scratch / FOLDER
    _folder.mkdir()
    return _folder


def record_of(model: str) -> ModelRecord:
    """The record of a model in this process, made when it is first asked for.

    Where nothing is counted, and where it can't be made, it is one that nobody reads.
    """
    record = _records.get(model)
    if record is None:
        record = _records[model] = _made(model)
    return record


def close_record(model: str) -> None:
    """The model is no more in this process: what was counted of it stands."""
    record = _records.pop(model, None)
    if record is not None:
        record.close()


def process_record() -> ModelRecord:
    """The record of what concerns no model."""
    return record_of("")


def _made(model: str) -> ModelRecord:
    scratch = os.environ.get(launcher_pipes.DIR_VARIABLE)
    folder = _folder or (Path(scratch, FOLDER) if scratch else None)
    if folder is None or not folder.is_dir():
        return UnreadRecord()
    try:
        return FileRecord(folder, model)
    except OSError as error:
        what = f"model {model!r}" if model else "process"
        logger.warning(
            "what this %s does is missing in /metrics: its record can't be written (%s)",
            what,
            os.strerror(error.errno or errno.EIO),
        )
        return UnreadRecord()


def _leave_to_parent() -> None:
    """A forked process counts in records of its own, and does not keep its parent's locked."""
    for record in _records.values():
        with contextlib.suppress(OSError):
            record.close()
    _records.clear()


os.register_at_fork(after_in_child=_leave_to_parent)
