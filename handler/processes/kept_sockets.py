"""How `serve` keeps a copy of each model's socket, and hands all of them to the next fork server.

A fork server sends one datagram for each that it has made, with its address and the socket itself,
or with its address alone when nobody is to keep it any more. It is sent all that there are, some in
a datagram, and then the word to begin, for which one that stands by waits. Later it may be asked to
fork one that stands by for it, which says on a way of its own who it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
from collections import deque
from dataclasses import dataclass

DESCRIPTOR_VARIABLE = "BYO_KEPT_SOCKETS"
LONGEST_MESSAGE = 4096
# The kernel takes 253 in a datagram at most.
TOGETHER = 200
SOCKETS, BEGIN, STAND_BY = b"sockets", b"begin", b"stand by"
STANDS_BY = "stands by"


@dataclass(frozen=True)
class StandbyRequest:
    """What a process is to be given that stands by, as open files.

    Args:
        channel: its way to `serve`.
        standard_input: what ends with `serve`.
    """

    channel: int
    standard_input: int

    def close(self) -> None:
        for number in (self.channel, self.standard_input):
            os.close(number)


class ServeChannel:
    """Called in the fork server: the way to `serve` and back.

    Args:
        channel: the connected socket.
    """

    def __init__(self, channel: socket.socket) -> None:
        channel.setblocking(False)
        self._channel = channel
        self._unsent: deque[tuple[str, str, int | None]] = deque()
        self._found: list[socket.socket] = []
        self._has_begun = False

    @classmethod
    def of_this_process(cls) -> ServeChannel:
        """What `serve` has handed over at the start, and no host is to find."""
        return cls.of_descriptor(int(os.environ.pop(DESCRIPTOR_VARIABLE)))

    @classmethod
    def of_descriptor(cls, number: int) -> ServeChannel:
        """The way by an open file."""
        return cls(socket.socket(fileno=number))

    def fileno(self) -> int:
        """What can be read when `serve` says something."""
        return self._channel.fileno()

    def tell_standing_by(self) -> None:
        """Called in a process that was forked to stand by: say who it is."""
        self._channel.send(json.dumps({STANDS_BY: os.getpid()}).encode())

    def is_to_begin(self) -> bool:
        """Whether the word to begin has come; never waits.

        Raises:
            EOFError: `serve` has ended.
        """
        while not self._has_begun:
            try:
                word, numbers, _, _ = socket.recv_fds(self._channel, LONGEST_MESSAGE, TOGETHER)
            except BlockingIOError:
                return False
            if not word:
                raise EOFError
            for number in numbers:
                os.set_inheritable(number, False)
                found = socket.socket(fileno=number)
                found.setblocking(False)
                self._found.append(found)
            self._has_begun = word == BEGIN
        return True

    def wait_to_begin(self) -> list[socket.socket]:
        """Wait for the word to begin; the sockets that came before it.

        Raises:
            EOFError: `serve` has ended.
        """
        while not self.is_to_begin():
            select.select([self._channel], [], [])
        found, self._found = self._found, []
        return found

    def standby_request(self) -> StandbyRequest | None:
        """What came since the word to begin: that a process is to stand by.

        Raises:
            EOFError: `serve` has ended.
        """
        try:
            word, numbers, _, _ = socket.recv_fds(self._channel, LONGEST_MESSAGE, 2)
        except BlockingIOError:
            return None
        if not word:
            raise EOFError
        for number in numbers:
            os.set_inheritable(number, False)
        return StandbyRequest(*numbers)

    def keep(self, address: str, listener: socket.socket) -> None:
        """Have a socket kept."""
        # A copy, which is open until it has been sent.
        self._unsent.append(("keep", address, os.dup(listener.fileno())))
        self.flush()

    def drop(self, address: str) -> None:
        """Have a socket kept no longer."""
        self._unsent.append(("drop", address, None))
        self.flush()

    def flush(self) -> None:
        """Send what there is room for."""
        while self._unsent:
            word, address, number = self._unsent[0]
            data = json.dumps({word: address}).encode()
            try:
                socket.send_fds(self._channel, [data], [] if number is None else [number])
            except BlockingIOError:
                return
            except OSError:  # `serve` has ended, and so is this process to
                pass
            self._unsent.popleft()
            if number is not None:
                os.close(number)


class KeptSockets:
    """Called in `serve`: the sockets that are kept."""

    def __init__(self) -> None:
        self._kept: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def hand_over(self, channel: socket.socket) -> bool:
        """Send all to a fork server, and the word to begin; whether all have gone."""
        numbers = list(self._kept.values())
        try:
            for first in range(0, len(numbers), TOGETHER):
                socket.send_fds(channel, [SOCKETS], numbers[first : first + TOGETHER])
        except OSError:  # the kernel has so many of them on their way at most
            return False
        finally:
            with contextlib.suppress(OSError):  # it has ended meanwhile
                channel.send(BEGIN)
        return True

    def hear(self, channel: socket.socket) -> bool:
        """Take note of all that has come on a channel; whether its other end is still open."""
        while True:
            try:
                data, numbers, _, _ = socket.recv_fds(channel, LONGEST_MESSAGE, 1)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not data:
                return False
            message = json.loads(data)
            self._drop(message.get("drop", message.get("keep")))
            if numbers:
                self._kept[message["keep"]] = numbers[0]

    def _drop(self, address: str) -> None:
        number = self._kept.pop(address, None)
        if number is not None:
            with contextlib.suppress(OSError):
                os.close(number)


def ask_to_stand_by(channel: socket.socket, request: StandbyRequest) -> bool:
    """Called in `serve`: have a fork server fork one that stands by; whether it was told."""
    try:
        socket.send_fds(channel, [STAND_BY], [request.channel, request.standard_input])
    except OSError:  # it has ended, or reads nothing
        return False
    return True


def who_stands_by(channel: socket.socket) -> int | None:
    """Called in `serve`: the process id of the one that was forked; None before it has said it.

    Raises:
        EOFError: it, or the one that was to fork it, has ended.
    """
    try:
        data = channel.recv(LONGEST_MESSAGE)
    except BlockingIOError:
        return None
    except OSError:
        raise EOFError from None
    if not data:
        raise EOFError
    return int(json.loads(data)[STANDS_BY])
