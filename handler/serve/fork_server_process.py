"""The fork server as `serve` holds it: started again when it dies, unless it can't live."""

from __future__ import annotations

import logging
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from contract.errors import ByoError
from handler.processes import launcher_pipes
from handler.processes.child_exit_status import describe
from handler.processes.process_watch import close_watch, open_watch

logger = logging.getLogger(__name__)

# What is imported stays: to look through it for garbage is a tenth of what importing takes.
PROGRAM = "import gc; gc.disable(); from handler.fork_server.fork_server_main import main; main()"
COMMAND = (sys.executable, "-P", "-c", PROGRAM)
# One that ends by itself so soon after its start can't live; others may kill it so often in a row.
YOUNG_SECONDS = 5.0
KILLS = 20
STOP_SECONDS = 5.0


class ForkServerDied(ByoError):
    """The process that models are forked from does not live."""


@dataclass(frozen=True)
class _Started:
    """One start of the process."""

    process: subprocess.Popen[bytes]
    watch: int
    at: float


class ForkServerProcess:
    """The process that models are forked from, and the pipe that says that it has ended.

    Args:
        environ: its whole environment.
        scratch: the folder where launchers find it.
        selector: what waits for its end.
        when_ended: called when it has ended, before launchers learn of that.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        scratch: Path,
        selector: selectors.BaseSelector,
        when_ended: Callable[[], None],
    ) -> None:
        self._environ = environ
        self._selector = selector
        self._when_ended = when_ended
        self._launchers = launcher_pipes.LauncherWait(scratch)
        self._early_ends = 0
        self._listens = False  # whether it takes signals
        self._reload_is_due = False
        self._started = self._start()

    @property
    def pid(self) -> int:
        """Its process id, at the moment."""
        return self._started.process.pid

    def lives(self) -> None:
        """It has said that it lives, and takes signals from then on."""
        self._listens = True
        if self._reload_is_due:
            self.reload()

    def reload(self) -> None:
        """Have every model loaded anew, as soon as it can be told."""
        self._reload_is_due = not self._listens
        if self._listens:
            self._started.process.send_signal(signal.SIGHUP)

    def end(self) -> None:
        """Its input ends, and so does it; its hosts end with it."""
        process = self._started.process
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            logger.warning("the fork server did not stop within %.0f s: killed", STOP_SECONDS)
            process.kill()
            process.wait(STOP_SECONDS)

    def _start(self) -> _Started:
        process = subprocess.Popen(
            COMMAND, env=self._environ, process_group=0, stdin=subprocess.PIPE
        )
        watch = open_watch(process.pid)
        self._selector.register(watch, selectors.EVENT_READ, self._ended)
        return _Started(process, watch, time.monotonic())

    def _ended(self) -> None:
        """Start another: the launchers tell it of their models.

        Raises:
            ForkServerDied: it ends as soon as it is started.
        """
        self._selector.unregister(self._started.watch)
        close_watch(self._started.watch)
        code = self._started.process.wait()
        ending = describe(code)
        early = time.monotonic() - self._started.at < YOUNG_SECONDS
        self._early_ends = self._early_ends + 1 if early else 0
        if early and (code >= 0 or self._early_ends == KILLS):
            raise ForkServerDied(f"the fork server ended as soon as it was started: {ending}")
        logger.warning("the fork server ended: %s; it is started again", ending)
        # In this order: first nothing of the old one is left, then launchers announce their
        # models again, whose words wait in the pipe until the new one reads them.
        self._when_ended()
        self._listens = False
        self._launchers.let_go()
        self._started = self._start()
