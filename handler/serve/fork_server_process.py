"""The fork server as `serve` holds it: started again when it dies, unless it can't live.

One that says nothing for long is killed. Another stands by, with all imported, to take its place at
once. What a fork server had of models' sockets is kept here meanwhile, so that the frontend's
connections wait for the next one.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.errors import ByoError
from contract.requirements.overlay import interpreter
from handler.fork_server.after_serve import COMMAND_VARIABLE
from handler.processes import launcher_pipes
from handler.processes.child_exit_status import describe
from handler.processes.kept_sockets import DESCRIPTOR_VARIABLE, KeptSockets
from handler.processes.process_watch import close_watch, open_watch

logger = logging.getLogger(__name__)

# What is imported stays: to look through it for garbage is a tenth of what importing takes.
PROGRAM = "import gc; gc.disable(); from handler.fork_server.fork_server_main import main; main()"
ARGUMENTS = ("-P", "-c", PROGRAM)
# One that ends by itself so soon after its start can't live; others may kill it so often in a row.
YOUNG_SECONDS = 5.0
KILLS = 20
STOP_SECONDS = 5.0
# It tells each second that it lives. One that does not for so long does nothing any more; before
# its first word it may have to import much.
SILENT_SECONDS = 20.0
# Another is started to stand by so long after this one has settled, and after one that has ended.
STANDBY_SECONDS = 2.0
# This process looks each second, too; where it did not for longer, the whole machine stood still.
LOOKS_SECONDS = 2.0


class ForkServerDied(ByoError):
    """The process that models are forked from does not live."""


@dataclass(frozen=True)
class _Started:
    """One start of the process."""

    process: subprocess.Popen[bytes]
    channel: socket.socket  # where it tells which sockets to keep


class ForkServerProcess:
    """The process that models are forked from, and the pipe that says that it has ended.

    Args:
        environ: its whole environment.
        scratch: the folder where launchers find it.
        selector: what waits for its end.
        when_ended: called when it has ended, before launchers learn of that.
        after_serve: the command that cleans up where this process ends without a word.
        start_seconds: how long it may take to start.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        scratch: Path,
        selector: selectors.BaseSelector,
        when_ended: Callable[[], None],
        after_serve: Sequence[str],
        start_seconds: float,
    ) -> None:
        self._environ = {**environ, COMMAND_VARIABLE: json.dumps(after_serve)}
        self._selector = selector
        self._when_ended = when_ended
        self._launchers = launcher_pipes.LauncherWait(scratch)
        self._sockets = KeptSockets()
        self._start_seconds = start_seconds
        self._looked_at = time.monotonic()
        self._early_ends = 0
        self._listens = False  # whether it takes signals
        self._reload_is_due = False
        self._standby: _Started | None = None
        self._standby_at = math.inf
        self._begin(self._start())

    @property
    def pid(self) -> int:
        """Its process id, at the moment."""
        return self._started.process.pid

    @property
    def pids(self) -> set[int]:
        """The process ids of it and of what stands by."""
        return {self.pid} | ({self._standby.process.pid} if self._standby else set())

    def lives(self, *, is_settled: bool) -> None:
        """It has said that it lives, and takes signals from then on.

        Args:
            is_settled: whether there is time for another to import what it has imported.
        """
        self._silent_at = time.monotonic() + SILENT_SECONDS
        self._listens = True
        if self._reload_is_due:
            self.reload()
        if is_settled and self._standby is None and self._standby_at == math.inf:
            self._standby_at = time.monotonic() + STANDBY_SECONDS

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
        self._look_after_standby(now)

    def _look_after_standby(self, now: float) -> None:
        standby = self._standby
        if standby is not None and standby.process.poll() is not None:
            logger.warning("what stood by for the fork server ended: another will")
            self._standby = None
            self._standby_at = now + STANDBY_SECONDS
            _close(standby)
        if self._standby is None and now > self._standby_at:
            self._standby = self._start()
            self._standby_at = math.inf

    def end(self) -> None:
        """Tell it to end, and what stands by; its hosts end with it."""
        started = [self._started, *([self._standby] if self._standby else [])]
        for one in started:
            if one.process.stdin is not None:
                with contextlib.suppress(OSError):  # it has ended by itself
                    one.process.stdin.write(b"end\n")
                    one.process.stdin.close()
        for one in started:
            try:
                one.process.wait(0 if one is self._standby else STOP_SECONDS)
            except subprocess.TimeoutExpired:
                if one is not self._standby:
                    logger.warning(
                        "the fork server did not stop within %.0f s: killed", STOP_SECONDS
                    )
                one.process.kill()
                one.process.wait(STOP_SECONDS)

    def _start(self) -> _Started:
        """A process that imports, and then waits for the word to begin."""
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        here.setblocking(False)
        with there:
            process = subprocess.Popen(
                (interpreter(self._environ), *ARGUMENTS),
                env={**self._environ, DESCRIPTOR_VARIABLE: str(there.fileno())},
                process_group=0,
                stdin=subprocess.PIPE,
                pass_fds=[there.fileno()],
            )
        return _Started(process, here)

    def _begin(self, started: _Started) -> None:
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
        before = self._started
        code = before.process.wait()
        self._hear(before.channel)  # what it said last
        if before.channel.fileno() >= 0:  # a process that it had forked has it, too
            self._leave(before.channel)
        _close(before)
        ending = describe(code)
        early = time.monotonic() - self._begun_at < YOUNG_SECONDS
        self._early_ends = self._early_ends + 1 if early else 0
        if early and (code >= 0 or self._early_ends == KILLS):
            raise ForkServerDied(f"the fork server ended as soon as it was started: {ending}")
        logger.warning("the fork server ended: %s; another takes its place", ending)
        # In this order: first nothing of the old one is left, then launchers announce their
        # models again, whose words wait in the pipe until the new one reads them.
        self._when_ended()
        self._listens = False
        self._launchers.let_go()
        standby, self._standby = self._standby, None
        if standby is not None and standby.process.poll() is not None:
            _close(standby)
            standby = None
        self._begin(standby or self._start())
        self._standby_at = math.inf


def _close(started: _Started) -> None:
    """Give back what was held for a process that has ended."""
    if started.channel.fileno() >= 0:
        started.channel.close()
    if started.process.stdin is not None:
        started.process.stdin.close()
