"""Forking the process that stands by for this fork server: it shares all that was imported.

It must outlive this process and be a child of `serve`, which can then wait for it. So it is forked
by a process between, at whose end `serve` adopts it. What this process had open stays open in it
until that has gone from the stack, as `StandsBy` rises to where a fork server is made.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from handler.processes.forked_children import close_all_but
from handler.processes.kept_sockets import ServeChannel, StandbyRequest

# How long the process between may take to end.
ADOPTION_SECONDS = 10.0
ADOPTION_LOOK_SECONDS = 0.001


class StandsBy(BaseException):
    """Raised in the process that has been forked: it begins anew, as one that stands by.

    Args:
        request: its ways to `serve`.
    """

    def __init__(self, request: StandbyRequest) -> None:
        super().__init__("this process is to stand by")
        self._request = request

    def begin(self) -> ServeChannel:
        """Let go of all that the process it was forked from had open; its own way to `serve`.

        Whatever holds one of those files must never be destroyed from here on: it would close
        another's, which has got its number.
        """
        for number in (signal.SIGCHLD, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(self._request.standard_input, sys.stdin.fileno())
        close_all_but(self._request.channel)
        channel = ServeChannel.of_descriptor(self._request.channel)
        channel.tell_standing_by()
        return channel


def fork_standby(request: StandbyRequest) -> None:
    """Called in the fork server: fork one that stands by.

    Args:
        request: its ways to `serve`, which are closed here.

    Raises:
        StandsBy: in that process.
        OSError: there can't be another process.
    """
    sys.stdout.flush()
    try:
        between = os.fork()
        if between == 0:
            _fork_again()
            raise StandsBy(request)
    except OSError:
        request.close()
        raise
    request.close()
    os.waitpid(between, 0)


def _fork_again() -> None:
    """Called in the process between: returns in the one that stands by, once that is adopted."""
    between = os.getpid()
    try:
        if os.fork():
            os._exit(0)
    except OSError:
        os._exit(1)
    deadline = time.monotonic() + ADOPTION_SECONDS
    while os.getppid() == between and time.monotonic() < deadline:
        time.sleep(ADOPTION_LOOK_SECONDS)
    os.setpgid(0, 0)  # a signal for the group of the one it was forked from is not for this one
