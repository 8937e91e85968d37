"""The template as the supervisor holds it: started again when it dies, unless it can't live."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from contract.errors import ByoError
from handler.processes import launcher_pipes
from handler.processes.exit_status import describe, say

# What is imported stays: to look through it for garbage is a tenth of what importing takes.
PROGRAM = "import gc; gc.disable(); from handler.fork_server.process import main; main()"
COMMAND = (sys.executable, "-P", "-c", PROGRAM)
# One that ends by itself so soon after its start can't live; others may kill it so often in a row.
YOUNG_SECONDS = 5.0
KILLS = 20
STOP_SECONDS = 5.0


class BackendDied(ByoError):
    """The process that models are forked from does not live."""


class ForkServer:
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
        self._park = launcher_pipes.Park(scratch)
        self._early_ends = 0
        self._start()

    @property
    def pid(self) -> int:
        """Its process id, at the moment."""
        return self._process.pid

    def end(self) -> None:
        """Its input ends, and so does it; its hosts end with it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            say(f"the template did not stop within {STOP_SECONDS:.0f} s: killed")
            self._process.kill()
            self._process.wait(STOP_SECONDS)

    def _start(self) -> None:
        self._process = subprocess.Popen(
            COMMAND, env=self._environ, process_group=0, stdin=subprocess.PIPE
        )
        self._started = time.monotonic()
        self._pidfd = os.pidfd_open(self._process.pid)
        self._selector.register(self._pidfd, selectors.EVENT_READ, self._ended)

    def _ended(self) -> None:
        """Start another: the launchers tell it of their models.

        Raises:
            BackendDied: it ends as soon as it is started.
        """
        self._selector.unregister(self._pidfd)
        os.close(self._pidfd)
        code = self._process.wait()
        ending = describe(code)
        early = time.monotonic() - self._started < YOUNG_SECONDS
        self._early_ends = self._early_ends + 1 if early else 0
        if early and (code >= 0 or self._early_ends == KILLS):
            raise BackendDied(f"the template ended as soon as it was started: {ending}")
        say(f"the template ended: {ending}; it is started again")
        self._when_ended()
        self._park.let_go()
        self._start()
