"""Several workers of one model, as the host that forks them holds them."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import time
from collections.abc import Callable

from handler.processes.exit_status import describe
from handler.processes.forked_children import ForkedChildren
from handler.processes.process_record import ProcessRecord
from handler.processes.signal_socket import wake_on

logger = logging.getLogger(__name__)

WATCH_SECONDS = 1.0
# A worker that dies as soon as it is forked is not forked again without end.
RESTART_SECONDS = 0.2


class WorkerPool:
    """The workers of one model: each that dies is replaced.

    Args:
        number: how many there are.
        work: what each does; called in its process, with what that tells this one.
        launcher: the process id of the model's launcher.
    """

    def __init__(self, number: int, work: Callable[[ProcessRecord], None], launcher: int) -> None:
        self._number = number
        self._work = work
        self._children = ForkedChildren()
        self._selector = selectors.DefaultSelector()
        self._has_lost_launcher = False
        with contextlib.suppress(ProcessLookupError):  # one that was lost before is not missed
            self._launcher = os.pidfd_open(launcher)
            self._selector.register(self._launcher, selectors.EVENT_READ, self._launcher_ended)

    def run(self) -> None:
        """Keep them until the frontend has closed all connections to them."""
        children = self._children
        with wake_on(signal.SIGCHLD) as wakeup:
            self._selector.register(wakeup, selectors.EVENT_READ, lambda: wakeup.recv(4096))
            while not self._are_deserted():
                while len(children) < self._number:
                    children.fork(self._work, _log_lost)
                for key, _ in self._selector.select(WATCH_SECONDS):
                    key.data()
                children.reap()
                children.end_overdue()

    def _are_deserted(self) -> bool:
        connections = [record.connections for record in self._children.records()]
        if any(count > 0 for count in connections):
            return False
        # Of a worker that has died the frontend has not closed connections: it connects again.
        return self._has_lost_launcher or (0 in connections and len(connections) == self._number)

    def _launcher_ended(self) -> None:
        """It may be that the frontend has closed connections: who is at work can't see it."""
        self._selector.unregister(self._launcher)
        self._has_lost_launcher = True
        self._children.end_busy()


def tell_connections(record: ProcessRecord, connections: int) -> None:
    """Called in a worker: how many of the frontend's connections it has."""
    record.tell_connections(connections)
    if connections == 0:
        # After the count is written: this wakes the host, which looks at it.
        os.kill(os.getppid(), signal.SIGCHLD)


def _log_lost(record: ProcessRecord, code: int) -> None:
    logger.warning("a worker ended (%s): another takes its place", describe(code))
    time.sleep(RESTART_SECONDS)
