"""The loop over the frontend's connections: read what has come, answer together, write.

Nothing here waits: what is ready on all connections when the worker becomes free is answered
together, so a lone client is answered at once and many are answered in few predictions. Large
requests are taken one at a time, small ones in between, so that neither kind starves.
"""

from __future__ import annotations

import contextlib
import math
import select
import socket
import time
from collections import Counter, deque
from collections.abc import Callable

from handler.processes.freed_memory import FreedMemory
from handler.protocol.connection import Connection, Disconnected
from handler.protocol.connection_handover import HandoverGiver, HandoverTaker
from handler.protocol.loaded_model import LoadedModel
from handler.protocol.wire_format import Invoke, Load, WireError

# The bytes of requests that are answered together, and of one that is answered by itself.
TOGETHER_BYTES = 1024 * 1024
LARGE_BYTES = 128 * 1024

# How often to look whether a connection can be given away, beside when something happens.
LEAVING_SECONDS = 0.05

Item = tuple[Connection, LoadedModel, Invoke]


class OwnConnectionsLoop:
    """Answers for models until it is told to stop.

    Args:
        when_counted: called with a model and the number of its connections here, when that
            has changed.
        answers: what has a model answer.
    """

    def __init__(
        self,
        when_counted: Callable[[LoadedModel, int], None],
        answers: Callable[[LoadedModel, list[Invoke]], list[list[bytes]]] = LoadedModel.answer,
    ) -> None:
        self._answers = answers
        self._poll = select.epoll()
        self._actions: dict[int, Callable[[], None]] = {}
        self._when_counted = when_counted
        self._connections: dict[Connection, LoadedModel] = {}
        self._counts: Counter[LoadedModel] = Counter()
        self._waiting: dict[LoadedModel, list[Connection]] = {}
        self._small: deque[Item] = deque()
        self._large: deque[Item] = deque()
        self._leaving: dict[LoadedModel, tuple[HandoverGiver, Callable[[], None]]] = {}
        self._freed = FreedMemory()

    def watch(self, number: int, action: Callable[[], None]) -> None:
        """Call an action whenever a file descriptor can be read."""
        self._actions[number] = action
        self._poll.register(number, select.EPOLLIN)

    def unwatch(self, number: int) -> None:
        self._poll.unregister(number)
        del self._actions[number]

    def serve(self, model: LoadedModel, listener: socket.socket) -> None:
        """Take connections for a model from now on."""
        self.watch(listener.fileno(), lambda: self._accept(model, listener))

    def forget(self, model: LoadedModel, listener: socket.socket) -> None:
        """Take no connections for a model any more, and close those that there are."""
        self._refuse_more(listener)
        for connection in [one for one, its in self._connections.items() if its is model]:
            self._close(connection)
        del self._counts[model]
        if model in self._leaving:
            way, _ = self._leaving.pop(model)
            way.close()

    def give_away(
        self,
        model: LoadedModel,
        listener: socket.socket,
        way: HandoverGiver,
        when_done: Callable[[], None],
    ) -> None:
        """Take no connections for a model any more, and give away those that there are.

        Args:
            model: the model.
            listener: where the frontend connects for it.
            way: to the process that answers for it from now on.
            when_done: called when there are none left.
        """
        self._refuse_more(listener)
        self._leaving[model] = way, when_done

    def take_over(self, model: LoadedModel, way: HandoverTaker) -> None:
        """Take the connections that another process gives away."""

        def take() -> None:
            for channel in way.taken():
                self._open(model, channel)
            if way.is_over:
                self.unwatch(way.fileno())
                way.close()

        self.watch(way.fileno(), take)

    def has_connections(self, model: LoadedModel) -> bool:
        """Whether the frontend has connected for a model, and not left it."""
        return self._counts[model] > 0

    def run(self) -> None:
        """Serve for ever."""
        while True:
            self.turn()

    def wait_for_loads(self, model: LoadedModel, count: int, seconds: float) -> None:
        """Take connections until so many of them have asked to load, or for so many seconds."""
        deadline = time.monotonic() + seconds
        while len(self._waiting.get(model, ())) < count and time.monotonic() < deadline:
            self.turn(seconds)

    def tell_loaded(self, model: LoadedModel) -> None:
        """Answer the requests to load that came before it was known how the load went."""
        reply = model.load_reply
        for connection in self._waiting.pop(model, ()):
            if reply is not None and connection in self._connections:
                self._send(connection, reply)

    def turn(self, patience: float | None = None) -> None:
        """Wait until something happens, or for so many seconds, and do what is to be done."""
        for number, events in self._poll.poll(self._patience(patience)):
            if events & select.EPOLLOUT:
                self._flush(number)
            action = self._actions.get(number)
            if action is not None and events & ~select.EPOLLOUT:
                action()
        if self._small or self._large:
            self._answer(self._next_small())
            if self._large:
                large = self._large.popleft()
                self._answer([large])
                self._freed.had(_size(large))
        else:
            self._freed.give_back()
        if self._leaving:
            self._give_what_rests()

    def _patience(self, most: float | None) -> float | None:
        """How long to wait for something to happen; None for as long as it takes."""
        if self._small or self._large:
            return 0
        waits = [LEAVING_SECONDS] if self._leaving else [] if most is None else [most]
        least = min([*waits, self._freed.due_in])
        return None if math.isinf(least) else least

    def _refuse_more(self, listener: socket.socket) -> None:
        if listener.fileno() in self._actions:
            self.unwatch(listener.fileno())

    def _accept(self, model: LoadedModel, listener: socket.socket) -> None:
        try:
            channel, _ = listener.accept()
        except OSError:  # the frontend has gone
            return
        self._open(model, channel)

    def _open(self, model: LoadedModel, channel: socket.socket) -> None:
        connection = Connection(channel)
        self._connections[connection] = model
        self.watch(connection.number, lambda: self._receive(connection))
        self._count(model, 1)

    def _receive(self, connection: Connection) -> None:
        model = self._connections[connection]
        try:
            message = connection.receive()
        except (Disconnected, WireError):
            self._drop(connection)
            return
        if message is None:
            return
        if isinstance(message, Load):
            self._waiting.setdefault(model, []).append(connection)
            if model.load_reply is not None:
                self.tell_loaded(model)
            return
        for invoke in message:
            item = connection, model, invoke
            (self._large if _size(item) > LARGE_BYTES else self._small).append(item)

    def _give_what_rests(self) -> None:
        """Give away the connections of models that leave, each once nothing is under way on it."""
        waiting = {item[0] for queue in (self._small, self._large) for item in queue}
        for connection, model in list(self._connections.items()):
            if model in self._leaving and connection not in waiting and connection.is_at_rest:
                way, _ = self._leaving[model]
                with contextlib.suppress(OSError):  # it has ended: the frontend connects anew
                    if not way.give(connection.number):
                        continue
                self._close(connection)
                self._counts[model] -= 1
        for model in [one for one in self._leaving if not self._counts[one]]:
            way, when_done = self._leaving.pop(model)
            way.close()
            when_done()

    def _next_small(self) -> list[Item]:
        """The small requests to answer now, not more of them than some bytes."""
        taken, size = [], 0
        while self._small and size < TOGETHER_BYTES:
            item = self._small.popleft()
            size += _size(item)
            taken.append(item)
        return taken

    def _answer(self, items: list[Item]) -> None:
        by_model: dict[LoadedModel, list[Item]] = {}
        for item in items:
            by_model.setdefault(item[1], []).append(item)
        for model, group in by_model.items():
            replies = self._answers(model, [invoke for _, _, invoke in group])
            for (connection, _, _), reply in zip(group, replies, strict=True):
                if connection in self._connections:
                    self._send(connection, reply)

    def _send(self, connection: Connection, pieces: list[bytes]) -> None:
        try:
            if not connection.send(pieces):
                self._poll.modify(connection.number, select.EPOLLIN | select.EPOLLOUT)
        except Disconnected:
            self._drop(connection)

    def _flush(self, number: int) -> None:
        connection = next((one for one in self._connections if one.number == number), None)
        if connection is None:
            return
        try:
            if connection.flush():
                self._poll.modify(number, select.EPOLLIN)
        except Disconnected:
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        self._count(self._close(connection), -1)

    def _count(self, model: LoadedModel, more: int) -> None:
        self._counts[model] += more
        if model not in self._leaving:
            self._when_counted(model, self._counts[model])

    def _close(self, connection: Connection) -> LoadedModel:
        model = self._connections.pop(connection)
        with contextlib.suppress(ValueError):
            self._waiting.get(model, []).remove(connection)
        self.unwatch(connection.number)
        connection.close()
        return model


def _size(item: Item) -> int:
    """The bytes of a request's body."""
    return sum(map(len, item[2].parts.values()))
