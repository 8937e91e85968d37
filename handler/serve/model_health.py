"""Whether a single model is well: it has a process, and its processes don't end one after another.

    state         what it means
    LOADING       it has never been loaded
    SERVING       a process holds it
    INTERRUPTED   none does, since one that did has ended

    event                           from                    to
    loaded                          any                     SERVING
    told, that a process holds it   SERVING, INTERRUPTED    SERVING
    told, that none does            SERVING, INTERRUPTED    INTERRUPTED
    fork_server_ended               SERVING, INTERRUPTED    INTERRUPTED

What is told while it is LOADING changes nothing: how a first load goes is the `LoadWatch`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum

from handler.processes.model_load_events import ProcessEnded
from handler.serve.model_load_watch import ModelUnavailable

# A process that lives so long after it has loaded, or has answered, is no failed attempt.
STEADY_SECONDS = 10.0
# How long nobody may hold the model, beside twice what loading it takes.
GAP_SECONDS = 10.0
# Ends in a row after which the model is not well …
UNWELL_ENDS = 3
# … and is given up: those by its own doing, and those by a signal from elsewhere. None counts here
# that came about while it answered: what a caller sends must not end the server.
FATAL_FAULTS = 5
FATAL_KILLS = 20


class ModelState(Enum):
    """See the table above."""

    LOADING = "loading"
    SERVING = "serving"
    INTERRUPTED = "interrupted"


class ModelHealth:
    """What is known of a single model's processes.

    Args:
        startup_timeout: seconds that it may take to load, the first time and later.
        clock: the time in seconds.
    """

    def __init__(self, startup_timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.state = ModelState.LOADING
        self._startup_timeout = startup_timeout
        self._clock = clock
        self._interrupted_at = 0.0
        self._load_seconds = 0.0
        self._ends = self._faults = self._kills = 0
        self._last_end = ""
        self._last_end_at = 0.0

    def loaded(self, seconds: float) -> None:
        """A process holds the model, which took it so long."""
        self._load_seconds = max(self._load_seconds, seconds)
        self.state = ModelState.SERVING

    def told(self, *, is_serving: bool) -> None:
        """The fork server says whether a process holds the model."""
        if self.state is ModelState.LOADING:
            return
        if is_serving:
            self.state = ModelState.SERVING
        else:
            self._interrupt()

    def fork_server_ended(self) -> None:
        """Every process of the model has ended with it."""
        if self.state is not ModelState.LOADING:
            self._interrupt()

    def process_ended(self, ended: ProcessEnded) -> None:
        """A process that held the model has ended by itself.

        Raises:
            ModelUnavailable: too many have.
        """
        if ended.has_answered or ended.seconds > STEADY_SECONDS:
            self._forget_ends()
            return
        self._ends += 1
        self._last_end, self._last_end_at = ended.ending, self._clock()
        if not ended.was_busy:
            self._faults += not ended.was_killed
            self._kills += ended.was_killed
        if self._faults >= FATAL_FAULTS or self._kills >= FATAL_KILLS:
            raise ModelUnavailable(self._told_ends())

    def load_ended(self, pid: int) -> None:
        """A process that was to hold the model again has ended while it loaded, without a word.

        It counts as killed: what goes wrong in Python is told.

        Raises:
            ModelUnavailable: too many have.
        """
        self.process_ended(ProcessEnded(pid, "killed while it loaded", True, False, False, 0.0))

    def problem(self) -> str | None:
        """Why the model is not well, or None.

        Raises:
            ModelUnavailable: no process has held it for longer than loading it may take.
        """
        now = self._clock()
        if self.state is ModelState.LOADING:
            return "the model is being loaded"
        if self.state is ModelState.INTERRUPTED:
            gap = now - self._interrupted_at
            if gap > self._startup_timeout + GAP_SECONDS:
                raise ModelUnavailable(
                    f"the model was not loaded again within {self._startup_timeout} s "
                    "(SAGEMAKER_STARTUP_TIMEOUT) after its process had ended"
                )
            if gap > GAP_SECONDS + 2 * self._load_seconds:
                return f"the model has had no process for {gap:.0f} s"
        elif now - self._last_end_at > STEADY_SECONDS:
            self._forget_ends()
        return self._told_ends() if self._ends >= UNWELL_ENDS else None

    def _interrupt(self) -> None:
        if self.state is ModelState.SERVING:
            self.state = ModelState.INTERRUPTED
            self._interrupted_at = self._clock()

    def _forget_ends(self) -> None:
        self._ends = self._faults = self._kills = 0

    def _told_ends(self) -> str:
        return (
            f"the model's process ended {self._ends} times in a row, each while it loaded "
            f"or within {STEADY_SECONDS:.0f} s after that, and before it had answered: "
            f"{self._last_end}"
        )
