"""The records of all processes, added up: of those that live, and of those that have ended.

A record whose lock can be had is that of a process that has ended: it is added to what stands, and
its file removed. So each record is counted once, before and after its process's end, and no sum
ever goes down.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from handler.metrics.figures import Figures, Measured
from handler.metrics.layout import (
    MAGIC,
    OUTCOMES,
    OUTCOMES_AT,
    RECORD_BYTES,
    RecordFields,
)
from handler.metrics.model_record import ENDING

logger = logging.getLogger(__name__)

# What is the sum of models beyond so many is kept for all of them together, under this name.
MOST_MODELS = 10_000
OTHER = "other"
# What a record is called until it has all that its readers look for: its process, and a time.
_UNNAMED = re.compile(r"(\d+)-\d+")
_DIED = OUTCOMES_AT + OUTCOMES.index("died")


@dataclass(frozen=True)
class Found:
    """One record as it was read."""

    model: str
    pid: int
    is_loaded: bool
    figures: Figures


@dataclass
class Snapshot:
    """What the records say at one moment.

    Args:
        figures: what was counted, by model; under the empty name what concerns none.
        holders: the processes that hold each model that is loaded.
    """

    figures: dict[str, Figures] = field(default_factory=dict)
    holders: dict[str, set[int]] = field(default_factory=dict)

    @property
    def models_of(self) -> dict[int, set[str]]:
        """The models that each process holds."""
        models: defaultdict[int, set[str]] = defaultdict(set)
        for model, pids in self.holders.items():
            for pid in pids:
                models[pid].add(model)
        return dict(models)


class RecordFiles:
    """The folder of the records.

    Args:
        folder: the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ended: dict[str, Figures] = {}  # what those have counted that have ended
        self._known: set[str] = set()

    def read(self) -> Snapshot:
        """What all processes have counted, those that have ended as well."""
        snapshot = Snapshot()
        living = [found for path in self._paths() if (found := self._look(path)) is not None]
        for model, figures in self._ended.items():
            snapshot.figures[model] = Figures().plus(figures)
        for found in living:
            _add(snapshot.figures, found)
            if found.is_loaded:
                snapshot.holders.setdefault(found.model, set()).add(found.pid)
        return snapshot

    def _paths(self) -> Iterator[Path]:
        paths: list[Path] = []
        with contextlib.suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            paths = sorted(Path(one.path) for one in entries)
        for path in paths:
            if path.name.endswith(ENDING):
                yield path
            elif _was_never_named(path.name):
                with contextlib.suppress(OSError):
                    path.unlink()

    def _look(self, path: Path) -> Found | None:
        """A record whose process lives; that of one that has ended is added to what stands."""
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            return None
        try:
            has_ended = _can_lock(descriptor)
            found = self._parsed(os.pread(descriptor, RECORD_BYTES, 0), has_ended=has_ended)
            if found is None or not has_ended:
                return found
            path.unlink()  # first: what can't be removed would be added each time
            _add(self._ended, found)
        except OSError as error:
            logger.warning("a record of what was counted can't be read: %s", error)
        finally:
            os.close(descriptor)
        return None

    def _parsed(self, data: bytes, *, has_ended: bool) -> Found | None:
        if len(data) < RECORD_BYTES:
            return None
        fields = RecordFields.from_buffer_copy(data)
        if fields.magic != MAGIC:
            return None
        cells = np.array(fields.cells, dtype=np.float64)
        if has_ended and fields.loading_since:
            cells[_DIED] += 1
        users = {
            one.name.decode(errors="replace"): Measured(one.times, one.sum)
            for one in fields.users
            if one.name
        }
        model = self._known_as(fields.model.decode(errors="replace"))
        return Found(model, fields.pid, bool(fields.is_loaded), Figures(cells, users))

    def _known_as(self, model: str) -> str:
        if model not in self._known:
            if len(self._known) >= MOST_MODELS:
                return OTHER
            self._known.add(model)
        return model


def _add(figures: dict[str, Figures], found: Found) -> None:
    figures.setdefault(found.model, Figures()).add(found.figures)


def _was_never_named(name: str) -> bool:
    """Whether a file is a record whose process ended while it made it."""
    found = _UNNAMED.fullmatch(name)
    return found is not None and not Path(f"/proc/{found[1]}").exists()


def _can_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
