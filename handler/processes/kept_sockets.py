"""How `serve` keeps a copy of each model's socket, and hands all of them to the next fork server.

A fork server sends one datagram for each that it has made, with its address and the socket itself,
or with its address alone when nobody is to keep it any more. It is sent all that there are, some in
a datagram, and then the word to begin, for which one that stands by waits.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
from collections import deque

DESCRIPTOR_VARIABLE = "BYO_KEPT_SOCKETS"
LONGEST_MESSAGE = 4096
# The kernel takes 253 in a datagram at most.
TOGETHER = 200
SOCKETS, BEGIN = b"sockets", b"begin"


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
        return cls(socket.socket(fileno=int(os.environ.pop(DESCRIPTOR_VARIABLE))))

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
