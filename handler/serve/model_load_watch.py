"""Watches the processes that load a single model, in case one ends without a word."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable

from contract.errors import ByoError
from handler.processes.process_watch import close_watch, open_watch

# How long the fork server may take to say how a process of its ended.
WORD_SECONDS, ASK_SECONDS = 3.0, 0.05


class ModelUnavailable(ByoError):
    """The one model of a single-model endpoint can't be served."""


class LoadWatch:
    """The processes that are loading the model.

    Args:
        selector: what waits for their ends.
        read_events: reads what they have told and nobody has read yet.
        when_replacement_ended: called with the process id of one that was to hold a model which had
            been loaded before, and ended without a word; it is replaced itself.
        ends_are_told: whether whoever forked them says how they ended.
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        read_events: Callable[[], None],
        when_replacement_ended: Callable[[int], None],
        *,
        ends_are_told: bool = False,
    ) -> None:
        self._selector = selector
        self._read_events = read_events
        self._when_replacement_ended = when_replacement_ended
        self._ends_are_told = ends_are_told
        self._endings: dict[int, str] = {}  # process id -> how it ended
        self._loading: dict[int, int] = {}  # process id -> what is waited on
        self._has_loaded = False
        self.have_begun = False

    def begun(self, pid: int) -> None:
        """A process begins to load.

        Raises:
            ModelUnavailable: it has ended already.
        """
        self.have_begun = True
        try:
            watch = open_watch(pid)
        except ProcessLookupError:  # it may have told how the load went before it ended
            self._ended(pid)
            return
        self._loading[pid] = watch
        self._selector.register(watch, selectors.EVENT_READ, lambda: self._ended(pid))

    def loaded(self, pid: int) -> None:
        """It has loaded: from now on its end is no failed load."""
        self._forget(pid)
        self._has_loaded = True

    def told_end(self, pid: int, ending: str) -> None:
        """A process has ended, and how."""
        self._endings = {pid: ending}  # of one at a time

    def _forget(self, pid: int) -> None:
        watch = self._loading.pop(pid, None)
        if watch is not None:
            self._selector.unregister(watch)
            close_watch(watch)

    def _ended(self, pid: int) -> None:
        """A loading process has ended.

        Raises:
            ModelUnavailable: it said nothing, and the model never loaded.
        """
        self._forget(pid)
        # What it said last may still be waiting on the other source.
        self._read_events()
        if self._has_loaded:
            self._when_replacement_ended(pid)
            return
        ending = self._ending(pid)
        raise ModelUnavailable(f"the process that loaded the model ({pid}) ended: {ending}")

    def _ending(self, pid: int) -> str:
        """How a process ended, as soon as that is told.

        Raises:
            ModelUnavailable: what is told first is why the load failed.
        """
        until = time.monotonic() + WORD_SECONDS
        while self._ends_are_told and pid not in self._endings and time.monotonic() < until:
            time.sleep(ASK_SECONDS)
            self._read_events()
        return self._endings.pop(
            pid, "killed, perhaps for lack of memory, or by the algorithm's own code"
        )
