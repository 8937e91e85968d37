"""A process that loads a model anew while another one serves it, and then takes its place."""

from __future__ import annotations

import logging
from collections.abc import Callable

from handler.fork_server.launcher_slot import LauncherSlot
from handler.processes.child_exit_status import describe
from handler.processes.process_shared_memory import LoadState, ProcessRecord

logger = logging.getLogger(__name__)


class Successor:
    """One such process.

    Args:
        slot: the model's launcher and socket.
        pid: the process.
        told: what it tells.
        due_at: when it must have loaded.
    """

    def __init__(self, slot: LauncherSlot, pid: int, told: ProcessRecord, due_at: float) -> None:
        self._slot = slot
        self.pid = pid
        self.told = told
        self._due_at = due_at
        self._is_explained = False

    @property
    def is_loaded(self) -> bool:
        """Whether it can take the place."""
        return self.told.is_loaded

    def is_overdue(self, now: float) -> bool:
        """Whether it should have loaded by now, and is to be ended; the log says so."""
        if self.told.is_loaded or now < self._due_at or self._is_explained:
            return False
        self._say("it did not load in time (SAGEMAKER_STARTUP_TIMEOUT)")
        return True

    def ended(self, code: int) -> None:
        """It has ended before it took the place: say so, unless it has said why itself."""
        if not (self._is_explained or self.told.load_state is LoadState.REFUSING):
            self._say(
                self.told.reason
                or f"the process that loaded it ended without a word ({describe(code)}), perhaps "
                "for lack of memory, since both are held at once"
            )

    def _say(self, reason: str) -> None:
        self._is_explained = True
        model = self._slot.request.model
        logger.error("model %r goes on as it was loaded before, not anew: %s", model, reason)


class RetiredProcesses:
    """Processes that have been told to give their connections away and to end."""

    def __init__(self) -> None:
        self._pids: dict[int, ProcessRecord] = {}

    def add(self, pid: int, told: ProcessRecord) -> None:
        """One has been told."""
        self._pids[pid] = told

    def remove(self, told: ProcessRecord) -> bool:
        """Whether a process that has ended is one of them."""
        for pid, one in self._pids.items():
            if one is told:
                del self._pids[pid]
                return True
        return False

    def end_all(self, end: Callable[[int], None]) -> None:
        """The model is not wanted any more."""
        for pid in list(self._pids):
            end(pid)
