"""The frontend's connections to one model, shared by the workers of its pool.

Every worker has every connection, under the same number, and all wait on one epoll. A connection
with a request wakes one worker that is idle, which has it to itself until it has answered; then it
gives the connection back. So nothing waits for a busy worker while another is idle, and no process
stands between the frontend and the workers.

The pool's parent takes connections from the listener, hands each to the workers and closes what
has ended. A worker's record says which connections it has to itself, for the case that it dies.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import socket
import struct
from collections import deque
from collections.abc import Iterator

from handler.processes.process_shared_memory import MOST_CONNECTIONS
from handler.protocol.connection_handover import HandoverGiver

# For one worker, until it is given back: what is read by one must not be read by another.
READABLE_ONCE = select.EPOLLIN | select.EPOLLONESHOT
_MESSAGE = struct.Struct("=Bi")
# From the parent to a worker: take a connection, which comes along; close it; begin nothing more,
# and end.
TAKE, CLOSE, RETIRE = 1, 2, 5
# From a worker to the parent: the frontend has closed a connection; this process has closed it; it
# begins nothing more.
GONE, CLOSED, RETIRED = 3, 4, 6
# Of a message that is about no connection.
NO_PLACE = -1


class SharedEpoll:
    """The epoll that all workers of a pool wait on, and the numbers of the connections in it.

    Made before the workers are forked. Numbers are at the end of what a process may have: what
    user code opens is at the beginning.
    """

    def __init__(self) -> None:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.first = max(soft - 2 * MOST_CONNECTIONS, 256)
        self._poll = select.epoll()
        self._bell = os.eventfd(0)
        self._poll.register(self._bell, select.EPOLLIN)

    def ring(self) -> None:
        """Called in the parent: wake every worker, as it has been told something."""
        os.eventfd_write(self._bell, 1)

    def fileno(self) -> int:
        """The epoll's own number, to wait on it and others together."""
        return self._poll.fileno()

    def add(self, number: int) -> None:
        """Called in the parent, once every worker has been told of the connection."""
        self._poll.register(number, READABLE_ONCE)

    def remove(self, number: int) -> None:
        """Called in the parent, before it closes the connection."""
        with contextlib.suppress(OSError):
            self._poll.unregister(number)

    def give_back(self, number: int) -> None:
        """Let any worker take the connection again."""
        with contextlib.suppress(OSError):  # the parent has closed it meanwhile
            self._poll.modify(number, READABLE_ONCE)

    def take(self, seconds: float, most: int) -> list[int]:
        """Connections that can be read, for this process alone from now on."""
        return [number for number, _ in self._poll.poll(seconds, most) if number != self._bell]


class Channel:
    """One end of the way between the parent and a worker; never blocks.

    Args:
        end: the connected socket.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._unsent: deque[tuple[bytes, list[int]]] = deque()

    def fileno(self) -> int:
        return self._end.fileno()

    def send(self, kind: int, place: int, descriptors: list[int] | None = None) -> None:
        """Tell the other end, now or as soon as there is room."""
        self._unsent.append((_MESSAGE.pack(kind, place), descriptors or []))
        self.flush()

    def flush(self) -> None:
        """Send what there is room for."""
        while self._unsent:
            data, descriptors = self._unsent[0]
            try:
                socket.send_fds(self._end, [data], descriptors)
            except (BlockingIOError, OSError):  # no room, or the other end has just ended
                return
            self._unsent.popleft()

    def received(self) -> Iterator[tuple[int, int, list[int]]]:
        """What has come: a kind, the place it is about, and what came along."""
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._end, _MESSAGE.size, 1)
            except (BlockingIOError, OSError):
                return
            if len(data) < _MESSAGE.size:
                return
            kind, place = _MESSAGE.unpack(data)
            yield kind, place, descriptors

    def wait(self, seconds: float) -> None:
        """Wait for something to come."""
        select.select([self._end], [], [], seconds)

    def close(self) -> None:
        self._end.close()


class SharedConnections:
    """Called in the parent: the connections that there are, and which workers still have them.

    Args:
        epoll: what the workers wait on.
        listener: where the frontend connects.
    """

    def __init__(self, epoll: SharedEpoll, listener: socket.socket) -> None:
        self._epoll = epoll
        self._listener = listener
        self._open: set[int] = set()  # places of connections
        self._closing: dict[int, set[int]] = {}  # place -> workers that still have a copy
        self._channels: dict[int, Channel] = {}  # worker -> the way to it
        self._are_left = False
        self._retired: set[int] = set()  # workers that begin nothing more

    def __len__(self) -> int:
        return len(self._open)

    @property
    def are_all_left(self) -> bool:
        """Whether there are none, since the frontend has closed the last one."""
        return self._are_left and not self._open

    @property
    def numbers(self) -> set[int]:
        """Those that all processes of the pool know the connections by."""
        return {self._number(place) for place in self._open}

    def add_worker(self, pid: int, channel: Channel) -> None:
        """A worker has been forked: it has what there is by now, and is told of what comes."""
        self._channels[pid] = channel

    def remove_worker(self, pid: int, held: list[int]) -> None:
        """A worker has ended.

        Args:
            pid: the worker.
            held: the places of the connections that it had to itself: nobody can go on with them.
        """
        if pid in self._channels:
            self._channels.pop(pid).close()
        self._retired.discard(pid)
        for place in held:
            self._close(place)
        for place, workers in list(self._closing.items()):
            self._note_closed(place, pid, workers)

    def accept(self) -> None:
        """Take the connections that wait, and hand them to all workers."""
        while (place := self._free_place()) is not None:
            try:
                channel, _ = self._listener.accept()
            except OSError:  # none waits any more
                return
            self._add(place, channel)

    def take_over(self, channel: socket.socket) -> None:
        """Take a connection that another process has given away."""
        place = self._free_place()
        if place is None:  # the frontend has no more of them than there are places
            channel.close()
        else:
            self._add(place, channel)

    def _add(self, place: int, channel: socket.socket) -> None:
        with channel:
            os.dup2(channel.fileno(), self._number(place), inheritable=False)
        os.set_blocking(self._number(place), False)
        self._are_left = False
        self._open.add(place)
        # In this order: a worker that sees it in the epoll has been told of it.
        for way in self._channels.values():
            way.send(TAKE, place, [self._number(place)])
        self._epoll.add(self._number(place))

    def retire_workers(self) -> None:
        """Have every worker end what it has begun and then itself."""
        for place in self._open:
            self._epoll.remove(self._number(place))
        for way in self._channels.values():
            way.send(RETIRE, NO_PLACE)
        self._epoll.ring()

    def has_retired(self, pid: int) -> bool:
        """Whether a worker has said that it begins nothing more."""
        return pid in self._retired

    def give_away_all_but(self, held: set[int], way: HandoverGiver) -> None:
        """Give the connections to another process.

        Args:
            held: the places that workers still have to themselves.
            way: to that process.
        """
        for place in self._open - held:
            with contextlib.suppress(OSError):  # it has ended: the frontend connects anew
                if not way.give(self._number(place)):
                    return
            self._open.remove(place)
            os.close(self._number(place))

    def hear(self, pid: int) -> None:
        """Read what a worker tells."""
        for kind, place, _ in self._channels[pid].received():
            if kind == GONE:
                self._close(place, by=pid)
            elif kind == RETIRED:
                self._retired.add(pid)
            elif place in self._closing:
                self._note_closed(place, pid, self._closing[place])

    def flush(self) -> None:
        """Tell workers what there was no room for."""
        for way in self._channels.values():
            way.flush()

    def give_back_all_but(self, held: set[int]) -> None:
        """Let workers take again what a worker may have taken as it was killed.

        Args:
            held: the places that living workers have to themselves.
        """
        for place in self._open - held:
            self._epoll.give_back(self._number(place))

    def _number(self, place: int) -> int:
        return self._epoll.first + place

    def _free_place(self) -> int | None:
        taken = self._open | self._closing.keys()
        return next((place for place in range(MOST_CONNECTIONS) if place not in taken), None)

    def _close(self, place: int, by: int | None = None) -> None:
        if place not in self._open:
            return
        self._open.remove(place)
        self._are_left = by is not None
        number = self._number(place)
        self._epoll.remove(number)
        with socket.socket(fileno=number) as connection, contextlib.suppress(OSError):
            # Copies of it are open in the workers; the frontend is to know at once.
            connection.shutdown(socket.SHUT_RDWR)
        left = self._channels.keys() - {by}
        if left:
            self._closing[place] = set(left)
        for pid in left:
            self._channels[pid].send(CLOSE, place)

    def _note_closed(self, place: int, pid: int, workers: set[int]) -> None:
        """A worker has no copy any more; when none has, the place is free again."""
        workers.discard(pid)
        if not workers:
            del self._closing[place]
