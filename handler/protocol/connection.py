"""One connection from the frontend: bytes in until a message is whole, bytes out as they go."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterable

from handler.protocol.wire_format import Incomplete, Invoke, Load, Reader

CHUNK = 256 * 1024


class Disconnected(Exception):
    """The frontend has closed the connection."""


class Connection:
    """A connection that never blocks.

    Args:
        channel: the connected socket.
    """

    def __init__(self, channel: socket.socket) -> None:
        channel.setblocking(False)
        self._channel = channel
        self._reader = Reader()
        self._buffer = bytearray()
        self._filled = 0
        self._needed = 0
        self._unsent: deque[memoryview] = deque()
        self.number = channel.fileno()

    @property
    def is_receiving(self) -> bool:
        """Whether a part of a message has come."""
        return self._filled > 0

    @property
    def is_at_rest(self) -> bool:
        """Whether another process can go on with it: nothing is half read or half written."""
        return not self._filled and not self._unsent

    def receive(self) -> Load | list[Invoke] | None:
        """What the frontend has sent, if it is a whole message by now.

        Raises:
            Disconnected: the frontend has closed the connection.
            WireError: what it sent is no message.
        """
        if self._filled:
            return self._receive_more()
        try:
            data = self._channel.recv(CHUNK)
        except BlockingIOError:
            return None
        except OSError as error:
            raise Disconnected from error
        if not data:
            raise Disconnected
        try:
            return self._reader.read(data)
        except Incomplete as incomplete:
            self._begin(data, incomplete.needed)
            return None

    def send(self, pieces: Iterable[bytes]) -> bool:
        """Send as much as goes at once.

        Returns:
            Whether all is sent; else `flush` is to be called when the socket takes more.

        Raises:
            Disconnected: the frontend has closed the connection.
        """
        self._unsent.extend(memoryview(piece) for piece in pieces if piece)
        return self.flush()

    def flush(self) -> bool:
        """Send more of what is not sent yet; see `send`."""
        while self._unsent:
            try:
                sent = self._channel.sendmsg(self._unsent)
            except BlockingIOError:
                return False
            except OSError as error:
                raise Disconnected from error
            self._drop(sent)
        return True

    def close(self) -> None:
        self._channel.close()

    def _begin(self, data: bytes, needed: int) -> None:
        """Keep the first part of a message in a buffer with room for what is known to come."""
        self._buffer = bytearray(max(needed, 2 * len(data)))
        self._buffer[: len(data)] = data
        self._filled, self._needed = len(data), needed

    def _receive_more(self) -> Load | list[Invoke] | None:
        with memoryview(self._buffer) as view:
            try:
                received = self._channel.recv_into(view[self._filled :])
            except BlockingIOError:
                return None
            except OSError as error:
                raise Disconnected from error
        if not received:
            raise Disconnected
        self._filled += received
        if self._filled < self._needed:
            return None
        return self._whole()

    def _whole(self) -> Load | list[Invoke] | None:
        """The message in the buffer, or room for more of it."""
        del self._buffer[self._filled :]
        try:
            message = self._reader.read(self._buffer)
        except Incomplete as incomplete:
            self._needed = incomplete.needed
            self._buffer.extend(bytes(max(incomplete.needed - self._filled, CHUNK)))
            return None
        self._buffer, self._filled = bytearray(), 0
        return message

    def _drop(self, sent: int) -> None:
        while sent:
            first = self._unsent[0]
            if sent < len(first):
                self._unsent[0] = first[sent:]
                return
            sent -= len(first)
            self._unsent.popleft()
