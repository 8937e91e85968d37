"""The loop of one worker of a pool: take what is ready, answer it together, give it back.

Like `worker_loop`, but for connections that all workers of the pool have. Nothing is taken that is
not begun at once: what this process leaves is another's.
"""

from __future__ import annotations

import os
import select
import socket
import time
from dataclasses import dataclass

from handler.processes.freed_memory import FreedMemory
from handler.processes.process_shared_memory import ProcessRecord, WrongState
from handler.protocol.connection import Connection, Disconnected
from handler.protocol.loaded_model import LoadedModel
from handler.protocol.own_connections_loop import LARGE_BYTES, TOGETHER_BYTES
from handler.protocol.shared_connections import (
    CLOSE,
    CLOSED,
    GONE,
    NO_PLACE,
    RETIRE,
    RETIRED,
    TAKE,
    Channel,
    SharedEpoll,
)
from handler.protocol.wire_format import Invoke, Load, WireError

# How often a worker that has nothing to do looks for connections that it is to close.
IDLE_SECONDS = 5.0
# How long it may take to be told of a connection that is there already.
TOLD_SECONDS = 5.0


Item = tuple[Connection, list[Invoke]]


@dataclass
class _Taken:
    """What was read in one turn, by itself or to be answered together."""

    small: list[Item]
    large: list[Item]
    size: int = 0

    @property
    def is_enough(self) -> bool:
        """Whether to leave the rest to others."""
        return bool(self.large) or self.size >= TOGETHER_BYTES


class SharedConnectionsLoop:
    """One worker of a pool.

    Args:
        model: the model, loaded.
        epoll: what all workers wait on.
        channel: the way to the parent.
        record: where this process notes which connections it has to itself.
        known: the numbers of the connections that there were when it was forked.
        share: how many connections to take at a time, at most.
    """

    def __init__(
        self,
        model: LoadedModel,
        epoll: SharedEpoll,
        channel: Channel,
        record: ProcessRecord,
        known: set[int],
        share: int,
    ) -> None:
        self._model = model
        self._epoll = epoll
        self._channel = channel
        self._record = record
        self._share = share
        self._connections = {number: self._open(number) for number in known}
        # Connections that are this process's for longer: in the midst of a message or a reply.
        self._unfinished = select.epoll()
        self._unfinished.register(epoll.fileno(), select.EPOLLIN)
        self._count_unfinished = 0
        self._freed = FreedMemory()
        self._is_retiring = False

    def run(self) -> None:
        """Serve until told to retire, and what has been begun is done."""
        while not self._is_retiring or self._count_unfinished:
            self.turn()

    def turn(self) -> None:
        """Wait until something can be read or written, and do what is to be done."""
        taken = _Taken([], [])
        for number in self._ready():
            if not taken.is_enough:
                self._receive(self._connection(number), taken)
            elif not self._is_half_read(number):  # which only this process can go on with
                self._leave(number)
        if taken.small or taken.large:
            self._answer(taken.small)
            for one in taken.large:
                self._answer([one])
            self._freed.had(taken.size)
        else:
            self._freed.give_back()
            self._hear_parent()

    def _ready(self) -> list[int]:
        """Numbers of connections to read from, which this process has to itself."""
        most = self._share if self._model.answers_together else 1
        patience = min(IDLE_SECONDS, self._freed.due_in)
        if not self._count_unfinished:
            return [self._hold(number) for number in self._epoll.take(patience, most)]
        found = []
        for number, events in self._unfinished.poll(patience):
            if number == self._epoll.fileno() and self._is_retiring:
                self._unfinished.unregister(number)
            elif number == self._epoll.fileno():
                found += [self._hold(one) for one in self._epoll.take(0, most)]
            elif events & select.EPOLLOUT:
                self._flush(self._connections[number])
            else:
                found.append(number)
        return found

    def _is_half_read(self, number: int) -> bool:
        connection = self._connections.get(number)
        return connection is not None and connection.is_receiving

    def _hold(self, number: int) -> int:
        """Note at once that a connection is this process's."""
        self._record.hold(number - self._epoll.first)
        return number

    def _leave(self, number: int) -> None:
        """Give a connection back: for the next request on it, or for another worker to read."""
        # In this order: killed in between, it is nobody's, which the parent puts right.
        self._record.let_go(number - self._epoll.first)
        self._epoll.give_back(number)

    def _connection(self, number: int) -> Connection:
        """The connection of a number; the parent has told of it, perhaps a moment ago.

        Raises:
            WrongState: it has not within some seconds. This process ends by that, and the parent
                closes the connection, which is noted as this process's.
        """
        until = time.monotonic() + TOLD_SECONDS
        while number not in self._connections:
            if time.monotonic() > until:
                raise WrongState(f"connection {number} was not handed over in {TOLD_SECONDS:g} s")
            self._channel.wait(TOLD_SECONDS)
            self._hear_parent()
        return self._connections[number]

    def _hear_parent(self) -> None:
        for kind, place, descriptors in self._channel.received():
            number = self._epoll.first + place
            if kind == TAKE:
                with socket.socket(fileno=descriptors[0]) as passed:
                    self._connections[number] = self._open(number, passed.fileno())
            elif kind == CLOSE:
                self._close(number)
                self._channel.send(CLOSED, place)
            elif kind == RETIRE:
                self._is_retiring = True
                self._channel.send(RETIRED, NO_PLACE)

    def _open(self, number: int, source: int | None = None) -> Connection:
        """A connection under the number that all processes of the pool know it by."""
        if source is not None:
            os.dup2(source, number, inheritable=False)
        return Connection(socket.socket(fileno=number))

    def _close(self, number: int) -> None:
        connection = self._connections.pop(number, None)
        if connection is not None:
            connection.close()

    def _receive(self, connection: Connection, taken: _Taken) -> None:
        was_unfinished = connection.is_receiving
        try:
            message = connection.receive()
        except (Disconnected, WireError):
            if was_unfinished:
                self._finish(connection)
            self._lose(connection)
            return
        if message is None:
            if not was_unfinished:
                self._keep(connection, select.EPOLLIN)
            return
        if was_unfinished:
            self._finish(connection)
        self._take(connection, message, taken)

    def _take(self, connection: Connection, message: Load | list[Invoke], taken: _Taken) -> None:
        if isinstance(message, Load):
            self._send(connection, self._model.load_reply or [])
            return
        size = sum(len(part) for one in message for part in one.parts.values())
        (taken.large if size > LARGE_BYTES else taken.small).append((connection, message))
        taken.size += size

    def _answer(self, items: list[Item]) -> None:
        """Answer the messages together; a message holds one invocation, as far as is known."""
        if not items:
            return
        replies = iter(self._model.answer([one for _, message in items for one in message]))
        for connection, message in items:
            self._send(connection, [piece for _ in message for piece in next(replies)])

    def _send(self, connection: Connection, pieces: list[bytes]) -> None:
        """Send a reply, and give the connection back once all of it has gone."""
        try:
            if connection.send(pieces):
                self._leave(connection.number)
            else:
                self._keep(connection, select.EPOLLOUT)
        except Disconnected:
            self._lose(connection)

    def _flush(self, connection: Connection) -> None:
        try:
            if connection.flush():
                self._finish(connection)
                self._leave(connection.number)
        except Disconnected:
            self._finish(connection)
            self._lose(connection)

    def _keep(self, connection: Connection, events: int) -> None:
        """Go on with a connection when more of it can be read or written."""
        self._unfinished.register(connection.number, events)
        self._count_unfinished += 1

    def _finish(self, connection: Connection) -> None:
        self._unfinished.unregister(connection.number)
        self._count_unfinished -= 1

    def _lose(self, connection: Connection) -> None:
        """The frontend has closed a connection, or sent what is no message."""
        place = connection.number - self._epoll.first
        self._close(connection.number)
        self._record.let_go(place)
        self._channel.send(GONE, place)
