"""One HTTP/1.1 connection to a container, which takes one request at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import httptools

from byo.command_errors import EndpointFailed

Headers = Sequence[tuple[bytes, bytes]]

# What of a stream may wait here, in bytes, before the container is asked to send no more.
STREAM_BUFFER = 256 * 1024


class ContainerUnreachable(EndpointFailed):
    """A container can't be reached, or breaks off before its answer is whole.

    Args:
        cause: one line.
        sent: whether the container may have got the request.
    """

    def __init__(self, cause: str, *, sent: bool = True) -> None:
        super().__init__(cause)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Answer:
    """What a container answered.

    Args:
        status: the HTTP status.
        headers: names in lower case, and values.
        body: the whole body.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header, by its name in lower case."""
        return first_value(self.headers, name)


@dataclass(frozen=True, slots=True)
class Incoming:
    """An answer whose body is still on its way.

    Args:
        status: the HTTP status.
        headers: names in lower case, and values.
        chunks: the body as it arrives, to be read to its end once.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    chunks: AsyncIterator[bytes]

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header, by its name in lower case."""
        return first_value(self.headers, name)


def first_value(headers: Headers, name: bytes) -> bytes | None:
    """The first value of a header among several, by its name in lower case."""
    for each, value in headers:
        if each == name:
            return value
    return None


class KeptConnection(asyncio.Protocol):
    """A socket, and the answer that is being read from it.

    `send` begins an exchange; `whole` or `incoming` then reads its answer. ``reusable`` says
    whether another request may follow.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport  # from connection_made on
        self._waiter: asyncio.Future[None] | None = None
        self._lost: str | None = None
        self._paused = False
        self.idle_since = 0.0
        self._begin(streamed=False)
        self._complete = True

    def _begin(self, *, streamed: bool) -> None:
        self._streamed = streamed
        self._headers: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []
        self._buffered = 0
        self._head = self._complete = False
        self._status = 0
        self._keeps = False

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self._complete:  # the next request would take it for its own answer
            self._lose("it sent bytes after its answer")
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._lose(f"its answer is no HTTP/1.1 ({error})")

    def connection_lost(self, error: Exception | None) -> None:
        if self._head and not self._complete and self._ends_with_connection():
            self._complete = True
        self._lost = self._lost or f"the connection broke off ({error or 'closed'})"
        self._wake()

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self._complete:
            raise ValueError("it sent more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        self._head = self._status >= 200
        if self._streamed:
            self._wake()

    def on_body(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        if self._streamed:
            self._buffered += len(chunk)
            if self._buffered > STREAM_BUFFER and not self._paused:
                self._paused = True
                self._transport.pause_reading()
            self._wake()

    def on_message_complete(self) -> None:
        if not self._head:  # 100 Continue and its like come before the answer
            self._headers.clear()
            return
        self._keeps = self._parser.should_keep_alive()
        self._complete = True
        self._wake()

    # What the pool calls.

    @property
    def reusable(self) -> bool:
        """Whether the last answer was whole and the connection is kept."""
        return self._complete and self._keeps and self._lost is None and not self._paused

    def send(self, head: bytes, body: bytes, *, streamed: bool = False) -> None:
        """Begin an exchange."""
        self._begin(streamed=streamed)
        # Small ones in one segment; a large body is not copied.
        if len(body) < STREAM_BUFFER:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))

    async def whole(self) -> Answer:
        """The answer with all of its body.

        Raises:
            ContainerUnreachable: it broke off before.
        """
        while not self._complete:
            await self._news()
        return Answer(self._status, tuple(self._headers), b"".join(self._chunks))

    async def incoming(self) -> Incoming:
        """The answer as soon as its headers are there.

        Raises:
            ContainerUnreachable: it broke off before.
        """
        while not self._head:
            await self._news()
        return Incoming(self._status, tuple(self._headers), self._arriving())

    async def _arriving(self) -> AsyncIterator[bytes]:
        while True:
            chunks, self._chunks, self._buffered = self._chunks, [], 0
            for chunk in chunks:
                yield chunk
            if self._paused and not self._chunks:
                self._paused = False
                if self._lost is None:
                    self._transport.resume_reading()
            if not self._chunks:
                if self._complete:
                    return
                await self._news()

    def close(self) -> None:
        """Close the socket, whatever is under way."""
        self._lost = self._lost or "the connection was closed here"
        self._transport.abort()

    async def _news(self) -> None:
        """Wait until something arrives."""
        if self._lost is not None:
            raise ContainerUnreachable(self._lost)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self._lost is not None and not self._complete and not self._chunks:
            raise ContainerUnreachable(self._lost)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _lose(self, why: str) -> None:
        self._lost = why
        self._transport.abort()
        self._wake()

    def _ends_with_connection(self) -> bool:
        """Whether the answer's body has no length of its own, and so ends where the bytes do."""
        names = {name for name, _ in self._headers}
        return not names & {b"content-length", b"transfer-encoding"}
