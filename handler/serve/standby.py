"""The fork server that stands by: with all imported, to take the place of the one that has ended.

It is forked from that one, and shares with it what was imported: it costs little memory, and no
import. One that ends, or that can't be forked, is asked for again after a pause.
"""

from __future__ import annotations

import logging
import math
import select
import selectors
import socket
import time

from handler.processes.backoff import Backoff
from handler.serve.fork_server_start import AskedForkServer, StartedForkServer

logger = logging.getLogger(__name__)

END_SECONDS = 5.0
# One that was just forked has nothing else to do than to say so.
WORD_SECONDS = 1.0


class Standby:
    """What stands by, is asked for, or is to be asked for.

    Args:
        selector: what waits for its first word.
        fork_seconds: how long the fork server may take to fork it, with what that has to import
            before.
    """

    def __init__(self, selector: selectors.BaseSelector, fork_seconds: float) -> None:
        self._selector = selector
        self._fork_seconds = fork_seconds
        self._backoff = Backoff()
        self._asked: AskedForkServer | None = None
        self._asked_until = math.inf
        self._standing: StartedForkServer | None = None

    @property
    def pids(self) -> set[int]:
        """Its process id, if it is there."""
        return {self._standing.process.pid} if self._standing else set()

    def want(self) -> None:
        """There is time now to have one."""
        if not (self._standing or self._asked or self._backoff.is_waiting()):
            self._backoff.ended()

    def look(self, fork_server: socket.socket) -> None:
        """See to it that there is one; called each second or so.

        Args:
            fork_server: the channel of the one that is to fork it.
        """
        if self._standing is not None and self._standing.process.poll() is not None:
            logger.warning("what stood by for the fork server ended: another will")
            self._standing.close()
            self._standing = None
            self._backoff.ended()
        if time.monotonic() > self._asked_until:
            self._fail(f"the fork server has not forked it within {self._fork_seconds:.0f} s")
        if self._backoff.is_due():
            self._ask(fork_server)

    def await_word(self) -> None:
        """The fork server has ended: if it has forked one before, that says so in a moment."""
        if self._asked is not None:
            select.select([self._asked.channel], [], [], WORD_SECONDS)
            self.hear()

    def hear(self) -> None:
        """Take note of who it is, if it has said so."""
        if self._asked is None:
            return
        try:
            self._standing = self._asked.started()
        except EOFError:
            self._fail("it could not be forked, or has ended at once")
            return
        if self._standing is not None:
            self._selector.unregister(self._asked.channel)
            self._asked, self._asked_until = None, math.inf
            self._backoff.succeeded()

    def take(self) -> StartedForkServer | None:
        """The one that stands by, which does so no longer; None if there is none."""
        self._want_no_more()
        self._backoff = Backoff()
        standing, self._standing = self._standing, None
        if standing is not None and standing.process.poll() is not None:
            standing.close()
            return None
        return standing

    def tell_to_end(self) -> None:
        """It is to end."""
        self._want_no_more()
        if self._standing is not None:
            self._standing.tell_to_end()

    def kill(self) -> None:
        """It does not hear what it is told: end it."""
        if self._standing is not None:
            self._standing.process.kill()
            self._standing.process.wait(END_SECONDS)

    def _ask(self, fork_server: socket.socket) -> None:
        self._backoff.begun()
        asked = AskedForkServer()
        if not asked.ask(fork_server):  # it has just ended, and will be replaced
            asked.close()
            self._backoff.failed()
            return
        self._asked = asked
        self._asked_until = time.monotonic() + self._fork_seconds
        self._selector.register(asked.channel, selectors.EVENT_READ, self.hear)

    def _fail(self, reason: str) -> None:
        logger.warning("nothing stands by for the fork server: %s", reason)
        self._want_no_more()
        self._backoff.failed()

    def _want_no_more(self) -> None:
        if self._asked is not None:
            self._selector.unregister(self._asked.channel)
            self._asked.close()
        self._asked, self._asked_until = None, math.inf
