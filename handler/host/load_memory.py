"""One load's memory: weighed before it begins, measured when it has ended.

What a model needs is what its last load took, else what its files and the loads of others of its
kind let expect; what is free is what the control group and the machine still grant, without what
other loads under way are still to take.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from contract.free_memory import FreeMemory, free_memory, least_left
from contract.machine import MEBIBYTE
from contract.user_module import describe
from handler.host.out_of_memory import NotEnoughMemory
from handler.invocation.artifact_payload import Payload
from handler.processes.freed_memory import give_back
from handler.processes.memory_notes import LoadNote, MemoryNotes, RefusalNote
from handler.processes.process_memory import private_bytes, resident

logger = logging.getLogger(__name__)

# What was measured before may be a little less the next time.
SAME_AGAIN = 0.9
# Of what was measured of others of its kind, so much is expected, at least.
OF_ITS_KIND = 0.8
# A smaller file says nothing of what a larger one takes: its load is mostly of imports.
LEAST_SIZE = 4 * 1024 * 1024
# The kernel counts a process's pages no more exactly than this: so much is taken from the files.
COARSE = 512 * 1024
# A load that took more leaves memory that is worth a millisecond.
GIVEN_BACK = 16 * 1024 * 1024


class LoadMemory:
    """The memory of one load in this process.

    Args:
        model: the model's name.
        notes: what is noted of earlier loads; None outside of a server.
        has_neighbours: whether other models are in memory, which could be unloaded.
        starting: bytes that processes which start beside this one are still to take, at least.
    """

    def __init__(
        self,
        model: str,
        notes: MemoryNotes | None,
        *,
        has_neighbours: bool = False,
        starting: int = 0,
    ) -> None:
        self._starting = starting
        self._model = model
        self._notes = notes
        self._has_neighbours = has_neighbours
        self._payload: Payload | None = None
        self._expected = 0
        self._before = resident()

    def weigh(self, payload: Payload) -> None:
        """Weigh what the model needs against what is free.

        Raises:
            NotEnoughMemory: it can't fit; or it probably can't, and others could be unloaded.
        """
        self._payload = payload
        if self._notes is None:
            return
        with self._notes.one_at_a_time():
            free = free_memory()
            taken = self._notes.reserved() + self._starting + least_left(free.limit)
            left = FreeMemory(max(0, free.free - taken), free.limit)
            surely, likely = self._needed(payload, self._notes)
            self._expected = max(surely, likely)
            if surely > left.free or (likely > left.free and self._has_neighbours):
                raise self._refusal(left)
            self._notes.reserve(self._expected, self._before.anonymous)

    def loaded(self) -> None:
        """The model is there: note what its load has added to this process, and took at most."""
        peak = self._peak()
        if peak > GIVEN_BACK:
            give_back()  # much of what was needed on the way
        memory = max(0, resident().anonymous - self._before.anonymous)
        if self._notes is None:
            return
        self._notes.release_own()
        if self._payload is not None:
            payload = self._payload
            memory = max(memory, min(payload.size, COARSE))
            peak = max(memory, peak)
            self._notes.note_loaded(LoadNote(self._model, payload.files, memory, peak))
            if payload.size >= LEAST_SIZE:
                self._notes.note_kind(payload.kind, peak / payload.size)

    def failed(self, error: BaseException) -> BaseException:
        """The load has failed: what is told of it, with figures where memory is the reason."""
        if self._notes is None:
            return error
        self._notes.release_own()
        if isinstance(error, MemoryError) and not isinstance(error, NotEnoughMemory):
            # What it has taken is still taken, and was free for it.
            taken = max(0, resident().anonymous - self._before.anonymous)
            free = free_memory()
            left = FreeMemory(min(free.limit, free.free + taken), free.limit)
            return self._refusal(left, describe(error))
        return error

    def _needed(self, payload: Payload, notes: MemoryNotes) -> tuple[int, int]:
        """The bytes that the load takes for sure, and probably."""
        known = notes.loaded(self._model)
        if known is not None and known.files == payload.files:
            return int(known.peak * SAME_AGAIN), known.peak
        ratio = notes.least_ratio(payload.kind)
        learned = int(ratio * payload.size * OF_ITS_KIND) if ratio is not None else 0
        return payload.surely, max(payload.surely, learned or payload.likely)

    def _peak(self) -> int:
        """The most that the load has had, as far as the kernel tells: without pages of files."""
        now = resident()
        if now.peak <= self._before.peak:
            return 0
        return now.peak - now.files - self._before.anonymous

    def _refusal(self, left: FreeMemory, said: str = "") -> NotEnoughMemory:
        name = self._payload.name if self._payload else ""
        note = RefusalNote.beyond(left.free, self._expected, left.limit)
        error = NotEnoughMemory(note, name, said)
        if self._notes is not None:
            self._notes.note_refused(self._model, note, str(error))
        return error


def note_process(model: str) -> None:
    """Note what this process has of its own, which is there for one model.

    More than the load has added: what it shared before and has written to since is its own as well.
    It takes some milliseconds, so it is done once LOAD has been answered.
    """
    notes = MemoryNotes.of_this_process()
    note = notes.loaded(model) if notes is not None else None
    if notes is None or note is None:
        return
    memory = max(note.memory, private_bytes())
    notes.note_loaded(replace(note, memory=memory))
    logger.info(
        "model %r has %.1f MB of memory of its own, and had %.1f MB at most while it loaded",
        model,
        memory / MEBIBYTE,
        max(memory, note.peak) / MEBIBYTE,
    )
