"""Ends a load that takes more memory than there is, before the kernel has to kill for it.

The kernel looks for memory until nothing is left, which keeps every process waiting, and then
kills. While a model loads, it is looked here how much is left; where that is too little, the load
that has taken most ends: it is refused with 507, and who serves goes on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

from contract.free_memory import free_memory, least_left, memory_kills
from contract.machine import MEBIBYTE
from handler.host.out_of_memory import described
from handler.processes.memory_notes import MemoryNotes, RefusalNote
from handler.processes.process_memory import anonymous_bytes
from handler.processes.process_shared_memory import LoadState, ProcessRecord

GIBIBYTE = 1024 * MEBIBYTE
# A process takes some 2 GB a second page by page, and 8 in huge pages: by the next look, at most
# half of what is free is gone.
TAKEN_EACH_SECOND = 8 * GIBIBYTE
LEAST_SECONDS, MOST_SECONDS = 0.005, 0.25


class LoadGuard:
    """Looks after the processes that load a model each.

    Args:
        notes: what is noted of loads.
        end: ends a process.
    """

    def __init__(self, notes: MemoryNotes, end: Callable[[int], None]) -> None:
        self._notes = notes
        self._end = end
        self._models: dict[int, tuple[str, ProcessRecord]] = {}  # by process id
        self._kills = memory_kills()
        self.look_in = LEAST_SECONDS  # after so many seconds, as long as it is needed
        self._ending = 0  # the process that is being ended, as long as it has its memory

    def begun(self, pid: int, model: str, record: ProcessRecord) -> None:
        """A process begins to load a model."""
        self._models[pid] = model, record
        self.look_in = LEAST_SECONDS

    def is_unwanted(self, pid: int) -> None:
        """A process is about to be ended, as nobody wants its model any more."""
        self._models.pop(pid, None)
        self._notes.release(pid)

    def ended(self, pid: int, *, was_killed: bool) -> None:
        """A process has ended; one that was killed while it loaded most likely lacked memory."""
        if pid == self._ending:
            self._ending = 0
        model, record = self._models.pop(pid, ("", None))
        if record is None or _has_loaded(record):
            return
        if was_killed and not record.reason:
            reason = self._refuse(pid, model, free_memory().free)
            before, self._kills = self._kills, memory_kills()
            if self._kills > before:
                record.tell_reason(reason)
        self._notes.release(pid)

    @property
    def is_needed(self) -> bool:
        """Whether any model is being loaded."""
        for pid in [pid for pid, (_, one) in self._models.items() if _has_loaded(one)]:
            del self._models[pid]
        return bool(self._models)

    def look(self) -> None:
        """End the load that has taken most, if too little is left."""
        if not self.is_needed or self._ending:
            return
        memory = free_memory()
        spare = memory.free - least_left(memory.limit)
        seconds = spare / 2 / (TAKEN_EACH_SECOND * len(self._models))
        self.look_in = min(MOST_SECONDS, max(LEAST_SECONDS, seconds))
        if spare >= 0:
            return
        # One that has a reason already is about to end by itself.
        taken = self._taken([pid for pid, (_, one) in self._models.items() if not one.reason])
        if taken:
            pid = self._ending = max(taken, key=taken.__getitem__)
            model, record = self._models[pid]
            record.tell_reason(self._refuse(pid, model, memory.free + taken[pid]))
            self._end(pid)

    def _taken(self, pids: Iterable[int]) -> dict[int, int]:
        """What each load has added to its process, where that is still there."""
        found = {}
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                _, before = self._notes.reservation(pid)
                found[pid] = max(0, anonymous_bytes(pid) - before)
        return found

    def _refuse(self, pid: int, model: str, free: int) -> str:
        """Note why a process can't load its model; returns it in one line.

        Args:
            pid, model: the process, and its model.
            free: bytes that there are for it, with what it has taken.
        """
        limit = free_memory().limit
        expected, _ = self._notes.reservation(pid)
        note = RefusalNote.beyond(free, expected, limit)
        reason = described(note)
        self._notes.note_refused(model, note, reason)
        return reason


def _has_loaded(record: ProcessRecord) -> bool:
    return record.load_state is not LoadState.LOADING
