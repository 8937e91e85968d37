"""Tells the frontend's guard whether the server can load and answer: what /ping says.

By a file in the scratch folder, written anew each second: the guard (handler/frontend) reads it
when it is pinged. One that can't be written, or is no longer, is an answer, too. A model among many
is nobody's concern here: one tenant's broken model must not end the service for the others.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path

from contract.settings import ServingSettings
from handler.processes.model_load_events import ForkServerAlive, ProcessEnded
from handler.serve.model_health import ModelHealth

logger = logging.getLogger(__name__)

FILE = "readiness"
READY = "ready"
WRITE_SECONDS = 1.0
# A fork server tells each second that it lives; it may be busy forking.
SILENT_SECONDS = 10.0
# How long it may take to import, and to take over its predecessor's models.
START_SECONDS = 30.0


class Readiness:
    """What /ping says, and why.

    Args:
        folder: the scratch folder.
        settings: the serving settings.
        clock: the time in seconds.
    """

    def __init__(
        self,
        folder: Path,
        settings: ServingSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = folder / FILE
        self._clock = clock
        self._has_fork_server = settings.backend != "stock"
        self._model = None if settings.multi_model else ModelHealth(settings.startup_timeout, clock)
        self._is_stopping = False
        self._fork_server_silent_at = clock() + START_SECONDS
        self._said: str | None = None
        self._has_been_ready = False
        self._due_at = 0.0

    def model_loaded(self, seconds: float) -> None:
        """The single model has loaded, which took so long."""
        if self._model is not None:
            self._model.loaded(seconds)

    def fork_server_lives(self, told: ForkServerAlive) -> None:
        """It says so."""
        self._fork_server_silent_at = self._clock() + SILENT_SECONDS
        if self._model is not None:
            self._model.told(is_serving=told.is_serving)

    def fork_server_ended(self) -> None:
        """Another is started."""
        self._fork_server_silent_at = self._clock() + START_SECONDS
        if self._model is not None:
            self._model.fork_server_ended()

    def process_ended(self, ended: ProcessEnded) -> None:
        """A process of the single model has ended by itself.

        Raises:
            ModelUnavailable: too many have.
        """
        if self._model is not None:
            self._model.process_ended(ended)

    def load_ended(self, pid: int) -> None:
        """A process that was to hold the single model again has ended while it loaded.

        Raises:
            ModelUnavailable: too many have.
        """
        if self._model is not None:
            self._model.load_ended(pid)

    def stopping(self) -> None:
        """A stop signal has come: whoever pings is to send no more."""
        self._is_stopping = True
        self.look()

    def look(self) -> None:
        """Write down how things are, if that has changed or is due.

        Raises:
            ModelUnavailable: the single model is beyond hope.
        """
        now = self._clock()
        said = self._problem() or READY
        if said == self._said and now < self._due_at:
            return
        if said != self._said and self._has_been_ready:
            self._log(said)
        self._has_been_ready = self._has_been_ready or said == READY
        self._said, self._due_at = said, now + WRITE_SECONDS
        self._write(said)

    def _problem(self) -> str | None:
        if self._is_stopping:
            return "the server is stopping"
        silent_for = self._clock() - self._fork_server_silent_at
        if self._has_fork_server and silent_for > 0:
            return "the fork server does not answer: no model can be loaded"
        return self._model.problem() if self._model is not None else None

    def _log(self, said: str) -> None:
        """What happens before it is ready for the first time, and a stop, are told elsewhere."""
        if said == READY:
            logger.info("/ping answers with 200 again")
        elif not self._is_stopping:
            logger.warning("/ping answers with 503: %s", said)

    def _write(self, said: str) -> None:
        new = self._file.with_suffix(".new")
        try:
            new.write_text(f"{said}\n", encoding="utf-8")
            new.replace(self._file)
        except OSError as error:
            logger.warning("the scratch folder can't be written to: %s", error)
            # Without the file, or with one that grows old, the guard knows as much.
            for file in (new, self._file):
                with contextlib.suppress(OSError):
                    file.unlink(missing_ok=True)
