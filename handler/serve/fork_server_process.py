"""The fork server as `serve` holds it: started again when it dies, unless it can't live.

One that says nothing for long is killed. Another stands by, with all imported, to take its place at
once. What a fork server had of models' sockets is kept here meanwhile, so that the frontend's
connections wait for the next one.
"""

from __future__ import annotations

import logging
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from contract.errors import ByoError
from contract.hosting_standards import AUTO_RECOVERY
from contract.settings import ServingSettings
from handler.metrics import restarts
from handler.processes import launcher_pipes
from handler.processes.child_exit_status import describe
from handler.processes.kept_sockets import KeptSockets
from handler.processes.process_watch import close_watch, open_watch
from handler.serve.fork_server_start import ForkServerStart, StartedForkServer
from handler.serve.standby import Standby

logger = logging.getLogger(__name__)

# One that ends by itself so soon after its start can't live; others may kill it as often in a row
# as a setting says.
YOUNG_SECONDS = 5.0
STOP_SECONDS = 5.0
# It tells each second that it lives. One that does not for so long does nothing any more; before
# its first word it may have to import much.
SILENT_SECONDS = 20.0
# This process looks each second, too; where it did not for longer, the whole machine stood still.
LOOKS_SECONDS = 2.0


class ForkServerDied(ByoError):
    """The process that models are forked from does not live."""


class ForkServerProcess:
    """The process that models are forked from, and the pipe that says that it has ended.

    Args:
        environ: its whole environment.
        scratch: the folder where launchers find it.
        selector: what waits for its end.
        when_ended: called when it has ended, before launchers learn of that.
        after_serve: the command that cleans up where this process ends without a word.
        settings: how long it may take to start, and whether and how often it is replaced.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        scratch: Path,
        selector: selectors.BaseSelector,
        when_ended: Callable[[], None],
        after_serve: Sequence[str],
        settings: ServingSettings,
    ) -> None:
        self._selector = selector
        self._when_ended = when_ended
        self._launchers = launcher_pipes.LauncherWait(scratch)
        self._sockets = KeptSockets()
        self._start_seconds = settings.startup_timeout
        self._settings = settings
        self._looked_at = time.monotonic()
        self._early_ends = 0
        self._listens = False  # whether it takes signals
        self._reload_is_due = False
        self._start = ForkServerStart(environ, after_serve)
        self._standby = Standby(selector, settings.startup_timeout)
        self._begin(self._start())

    @property
    def pid(self) -> int:
        """Its process id, at the moment."""
        return self._started.process.pid

    @property
    def pids(self) -> set[int]:
        """The process ids of it and of what stands by."""
        return {self.pid} | self._standby.pids

    def lives(self, *, is_settled: bool) -> None:
        """It has said that it lives, and takes signals from then on.

        Args:
            is_settled: whether there is time to have another that stands by.
        """
        self._silent_at = time.monotonic() + SILENT_SECONDS
        self._listens = True
        if self._reload_is_due:
            self.reload()
        if is_settled:
            self._standby.want()

    def reload(self) -> None:
        """Have every model loaded anew, as soon as it can be told."""
        self._reload_is_due = not self._listens
        if self._listens:
            self._started.process.send_signal(signal.SIGHUP)

    def look(self) -> None:
        """See that it does not stand still; called each second or so."""
        now = time.monotonic()
        self._silent_at += max(0.0, now - self._looked_at - LOOKS_SECONDS)
        self._looked_at = now
        if now > self._silent_at:
            logger.warning("the fork server has said nothing for too long: it is killed")
            self._silent_at = now + self._start_seconds
            self._started.process.kill()
        self._standby.look(self._started.channel)

    def end(self) -> None:
        """Tell it to end, and what stands by; its hosts end with it."""
        self._started.tell_to_end()
        self._standby.tell_to_end()
        try:
            self._started.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            logger.warning("the fork server did not stop within %.0f s: killed", STOP_SECONDS)
            self._started.process.kill()
            self._started.process.wait(STOP_SECONDS)
        self._standby.kill()

    def _begin(self, started: StartedForkServer) -> None:
        """Have a process that was started be the fork server."""
        if not self._sockets.hand_over(started.channel):
            logger.warning("the next fork server can't be given all sockets: it makes new ones")
        watch = open_watch(started.process.pid)
        self._selector.register(watch, selectors.EVENT_READ, lambda: self._ended(watch))
        self._selector.register(
            started.channel, selectors.EVENT_READ, lambda: self._hear(started.channel)
        )
        self._started = started
        self._begun_at = time.monotonic()
        self._silent_at = self._begun_at + self._start_seconds

    def _hear(self, channel: socket.socket) -> None:
        """Take note of the sockets to keep; the channel's end is that of the process."""
        if channel.fileno() >= 0 and not self._sockets.hear(channel):
            self._leave(channel)

    def _leave(self, channel: socket.socket) -> None:
        self._selector.unregister(channel)
        channel.close()

    def _ended(self, watch: int) -> None:
        """Let another take its place: the launchers tell it of their models.

        Raises:
            ForkServerDied: it ends as soon as it is started.
        """
        self._selector.unregister(watch)
        close_watch(watch)
        self._standby.await_word()  # else it would be swept away with the hosts
        before = self._started
        code = before.process.wait()
        self._hear(before.channel)  # what it said last
        if before.channel.fileno() >= 0:  # a process that it had forked has it, too
            self._leave(before.channel)
        before.close()
        ending = describe(code)
        early = time.monotonic() - self._begun_at < YOUNG_SECONDS
        self._early_ends = self._early_ends + 1 if early else 0
        if early and (code >= 0 or self._early_ends > self._settings.start_retries):
            raise ForkServerDied(f"the fork server ended as soon as it was started: {ending}")
        if not self._settings.recovers:
            raise ForkServerDied(f"the fork server ended: {ending} ({AUTO_RECOVERY}=false)")
        logger.warning("the fork server ended: %s; another takes its place", ending)
        restarts.fork_server_replaced()
        # In this order: first nothing of the old one is left, then launchers announce their
        # models again, whose words wait in the pipe until the new one reads them.
        self._when_ended()
        self._listens = False
        self._launchers.let_go()
        self._begin(self._standby.take() or self._start())
