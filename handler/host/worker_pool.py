"""Several workers of one model, as the host that forks them holds them."""

from __future__ import annotations

import contextlib
import logging
import selectors
import signal
import socket
import time
from collections.abc import Callable

from handler.metrics import restarts
from handler.processes import host_orders, model_load_events
from handler.processes.child_exit_status import describe, was_killed
from handler.processes.forked_children import ForkedChildren
from handler.processes.host_orders import Order
from handler.processes.process_shared_memory import ProcessRecord
from handler.processes.process_watch import close_watch, open_watch
from handler.processes.signal_socket import wake_on
from handler.protocol.connection_handover import HandoverGiver, HandoverTaker
from handler.protocol.loaded_model import LoadedModel
from handler.protocol.shared_connections import Channel, SharedConnections, SharedEpoll
from handler.protocol.shared_connections_loop import SharedConnectionsLoop

logger = logging.getLogger(__name__)

WATCH_SECONDS = 1.0
# A worker that dies as soon as it is forked is not forked again without end.
RESTART_SECONDS = 0.2
# How often to look whether more connections can be given away.
GIVING_SECONDS = 0.02
# How long a living worker may take to note a connection that it has taken.
NOTED_SECONDS = 0.5

ModelFor = Callable[[ProcessRecord], LoadedModel]


class WorkerPool:
    """The workers of one model: each that dies is replaced.

    Args:
        number: how many there are.
        model_for: gives the model as one worker serves it; called in its process.
        listener: where the frontend connects.
        launcher: the process id of the model's launcher.
        share: how many connections a worker takes at a time, at most.
        orders: what the fork server tells, once another process is to take this one's place, or
            this one another's.
    """

    def __init__(
        self,
        number: int,
        model_for: ModelFor,
        listener: socket.socket,
        launcher: int,
        share: int,
        orders: socket.socket,
    ) -> None:
        self._orders = orders
        self._giver: HandoverGiver | None = None
        self._number = number
        self._model_for = model_for
        self._listener = listener
        self._share = share
        self._children = ForkedChildren()
        self._selector = selectors.DefaultSelector()
        self._epoll = SharedEpoll()
        self._connections = SharedConnections(self._epoll, listener)
        self._finished = 0  # by those that have gone
        self._finished_before = 0  # by all, when the last one ended
        self._has_lost_launcher = False
        self._give_back_at: float | None = None
        with contextlib.suppress(ProcessLookupError):  # one that was lost before is not missed
            watch = open_watch(launcher)
            ended = self._launcher_ended
            self._selector.register(watch, selectors.EVENT_READ, lambda: ended(watch))
        self._selector.register(listener, selectors.EVENT_READ, self._connections.accept)
        self._selector.register(orders, selectors.EVENT_READ, self._obey)

    def run(self, tell_connections: Callable[[int], None]) -> None:
        """Keep them until all connections are closed by the frontend, or given away.

        Args:
            tell_connections: called with how many there are, now and then.
        """
        with wake_on(signal.SIGCHLD) as wakeup:
            self._selector.register(wakeup, selectors.EVENT_READ, lambda: wakeup.recv(4096))
            while not (self._is_deserted() if self._giver is None else self._has_given_all()):
                while self._giver is None and len(self._children) < self._number:
                    self._fork()
                for key, _ in self._selector.select(self._patience()):
                    key.data()
                self._children.reap()
                self._children.end_overdue()
                self._connections.flush()
                self._give_back()
                self._give_away()
                tell_connections(len(self._connections))

    def _obey(self) -> None:
        order = host_orders.receive(self._orders)
        if order is None:  # the fork server has ended, and this process is about to
            self._selector.unregister(self._orders)
            return
        what, way = order
        if what is Order.GIVE:
            self._giver = HandoverGiver(way)
            self._selector.unregister(self._listener)
            self._connections.retire_workers()
        else:
            taker = HandoverTaker(way)
            self._selector.register(taker, selectors.EVENT_READ, lambda: self._take_over(taker))

    def _take_over(self, taker: HandoverTaker) -> None:
        for channel in taker.taken():
            self._connections.take_over(channel)
        if taker.is_over:
            self._selector.unregister(taker)
            taker.close()

    def _give_away(self) -> None:
        """Give away what no worker has to itself.

        That is sure once each of them has said that it begins nothing more, or is seen at work:
        then it has noted what it took before it was told.
        """
        if self._giver is None:
            return
        workers = self._children.by_pid()
        if all(one.is_busy or self._connections.has_retired(pid) for pid, one in workers.items()):
            held = {place for record in workers.values() for place in record.held}
            self._connections.give_away_all_but(held, self._giver)

    def _has_given_all(self) -> bool:
        return not len(self._connections) and not len(self._children)

    def _fork(self) -> None:
        here, there = socket.socketpair()
        channel = Channel(here)
        forked_at = time.monotonic()

        def work(record: ProcessRecord) -> None:
            here.close()
            self._listener.close()
            self._orders.close()
            known, way = self._connections.numbers, Channel(there)
            model = self._model_for(record)
            SharedConnectionsLoop(model, self._epoll, way, record, known, self._share).run()

        def ended(record: ProcessRecord, code: int) -> None:
            self._selector.unregister(here)
            self._connections.remove_worker(pid, record.held)
            if self._giver is not None and code == 0:
                return  # as it was told
            logger.warning("a worker ended (%s): another takes its place", describe(code))
            restarts.replaced(record, code)
            self._tell_ended(pid, record, code, time.monotonic() - forked_at)
            # It may have been killed between taking a connection and noting that.
            self._give_back_at = time.monotonic() + NOTED_SECONDS
            time.sleep(RESTART_SECONDS)

        pid = self._children.fork(work, ended)
        there.close()
        self._connections.add_worker(pid, channel)
        self._selector.register(here, selectors.EVENT_READ, lambda: self._connections.hear(pid))

    def _tell_ended(self, pid: int, record: ProcessRecord, code: int, seconds: float) -> None:
        """`serve` watches over a single model; of many it takes no note."""
        self._finished += record.finished
        finished = self._finished + sum(one.finished for one in self._children.records())
        has_answered = finished > self._finished_before
        self._finished_before = finished
        model_load_events.send(
            model_load_events.ProcessEnded(
                pid, describe(code), was_killed(code), record.is_busy, has_answered, seconds
            )
        )

    def _patience(self) -> float:
        if self._giver is not None:
            return GIVING_SECONDS
        if self._give_back_at is None:
            return WATCH_SECONDS
        return min(WATCH_SECONDS, max(0.0, self._give_back_at - time.monotonic()))

    def _give_back(self) -> None:
        if self._give_back_at is not None and time.monotonic() >= self._give_back_at:
            self._give_back_at = None
            held = {place for record in self._children.records() for place in record.held}
            self._connections.give_back_all_but(held)

    def _is_deserted(self) -> bool:
        """Whether the frontend has closed all connections, which it does to unload the model."""
        # Those of a worker that has died it opens again: until it has, there may be none.
        if self._connections.are_all_left:
            return True
        return self._has_lost_launcher and not len(self._connections)

    def _launcher_ended(self, watch: int) -> None:
        """Most often the frontend has closed all connections, too; if not, the host stays."""
        self._selector.unregister(watch)
        close_watch(watch)
        self._has_lost_launcher = True
