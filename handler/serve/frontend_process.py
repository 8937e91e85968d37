"""The frontend's process as `serve` holds it: started, listening, stopped."""

from __future__ import annotations

import logging
import selectors
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import NoReturn

from contract.errors import ByoError
from contract.settings import ServingSettings
from handler.processes.child_exit_status import describe
from handler.processes.process_watch import open_watch

logger = logging.getLogger(__name__)

PORT_SECONDS = 60.0
STOP_SECONDS = 5.0


class FrontendDied(ByoError):
    """The JVM ended, or did not open its port, without being told to."""


class FrontendProcess:
    """The JVM that runs multi-model-server's frontend.

    Args:
        command: its command line.
        environ: its whole environment.
        settings: the serving settings.
        selector: what waits for its end, which raises FrontendDied unless it was to come.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        settings: ServingSettings,
        selector: selectors.BaseSelector,
    ) -> None:
        host = "127.0.0.1" if settings.bind_address == "0.0.0.0" else settings.bind_address
        self._address = (host, settings.port)
        # A group of its own: whatever the frontend starts can be ended with it.
        self._process = subprocess.Popen(
            command, env=environ, process_group=0, stdin=subprocess.DEVNULL
        )
        # Opened at once: until this process waits for it, its number is no other's.
        self._watch = open_watch(self._process.pid)
        self._selector = selector
        self._is_stopping = False
        selector.register(self._watch, selectors.EVENT_READ, self._ended)

    @property
    def pid(self) -> int:
        """Its process id, which is that of its group, too."""
        return self._process.pid

    def wait_for_port(self) -> None:
        """The frontend tells nobody when it listens: ask until it does.

        Raises:
            FrontendDied: it ended, or does not listen within a minute.
        """
        deadline = time.monotonic() + PORT_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                self._raise_end()
            try:
                socket.create_connection(self._address, timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise FrontendDied(
            f"the frontend did not listen on {self._address} within {PORT_SECONDS:.0f} s"
        )

    def begin_to_stop(self) -> None:
        """Ask it to end: it answers what it has accepted first (handler/frontend, Drain)."""
        self._is_stopping = True
        if self._process.poll() is None:
            self._process.terminate()

    @property
    def has_ended(self) -> bool:
        """Whether it is gone."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """Ask it to end, and wait for that; what does not end is the guard's."""
        patience = 0.0 if self._is_stopping else STOP_SECONDS
        self.begin_to_stop()
        if not self.has_ended_within(patience):
            logger.warning("the frontend did not stop in time: killed")

    def has_ended_within(self, seconds: float) -> bool:
        """Wait for its end."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _ended(self) -> None:
        if self._is_stopping:
            self._selector.unregister(self._watch)
        else:
            self._raise_end()

    def _raise_end(self) -> NoReturn:
        raise FrontendDied(f"the frontend ended by itself: {describe(self._process.wait())}")
