"""The HTTP connections to one container, kept between requests."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from byo.command_errors import UsageError
from byo.served_container.kept_connection import (
    Answer,
    ContainerUnreachable,
    Headers,
    Incoming,
    KeptConnection,
)

# More requests at once than this wait for a connection, within their own timeout.
MOST_CONNECTIONS = 512
# A server may close an idle connection at the moment that a request is sent on it, which can't be
# sent again then: who knows whether it was begun. The shortest time that is usual is 2 s.
IDLE_SECONDS = 1.0
PORTS = {"http": 80, "https": 443}


class Connections:
    """A pool of kept connections to one address; it belongs to one event loop.

    Args:
        url: the container's address, with what path may come before ``/invocations``.
        most: how many connections there may be at once.

    Raises:
        UsageError: the address is no http or https URL.
    """

    def __init__(self, url: str, *, most: int = MOST_CONNECTIONS) -> None:
        self.url = url.rstrip("/")
        self._scheme, self._host, self._port, self._prefix = _parts(self.url)
        self._host_line = urlsplit(self.url).netloc.rpartition("@")[2].encode()
        self._idle: deque[KeptConnection] = deque()  # the one that was used last at its end
        self._busy: set[KeptConnection] = set()
        self._turns = asyncio.Semaphore(most)
        self._idling = asyncio.Event()
        self._closed = False

    @property
    def busy(self) -> int:
        """How many requests are under way."""
        return len(self._busy)

    async def request(
        self, method: str, path: str, headers: Headers = (), body: bytes = b"", *, timeout: float
    ) -> Answer:
        """Send a request and read its whole answer, whatever the status.

        Args:
            method: ``GET``, ``POST``, ``PUT`` or ``DELETE``.
            path: with what query there is, encoded.
            headers: names in lower case; ``host`` and ``content-length`` are added.
            body: the bytes to send.
            timeout: seconds for all of it, a wait for a connection included.

        Raises:
            TimeoutError: there was no whole answer in time.
            ContainerUnreachable: it can't be reached, or broke off.
            ValueError: a header or the path would not be one line.
        """
        head = self._request_head(method, path, headers, body)
        async with asyncio.timeout(timeout), self._turns:
            connection = await self._connection()
            try:
                connection.send(head, body)
                answer = await connection.whole()
            except ContainerUnreachable as error:
                raise self._broken(error) from None
            finally:
                self._give_back(connection)
        return answer

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, headers: Headers = (), body: bytes = b"", *, timeout: float
    ) -> AsyncIterator[Incoming]:
        """Send a request; its answer from when its headers are there, with its body as it comes.

        Args:
            method: ``GET``, ``POST``, ``PUT`` or ``DELETE``.
            path: with what query there is, encoded.
            headers: names in lower case; ``host`` and ``content-length`` are added.
            body: the bytes to send.
            timeout: seconds for all of it, the reading of the body included.

        Raises:
            TimeoutError: the block has not ended in time.
            ContainerUnreachable: it can't be reached, or broke off, also amid its body.
            ValueError: a header or the path would not be one line.
        """
        head = self._request_head(method, path, headers, body)
        async with asyncio.timeout(timeout), self._turns:
            connection = await self._connection()
            try:
                connection.send(head, body, streamed=True)
                yield await connection.incoming()
            except ContainerUnreachable as error:
                raise self._broken(error) from None
            finally:
                self._give_back(connection)

    async def drained(self, seconds: float) -> None:
        """Wait until nothing is under way, or for so long."""
        self._idling.clear()
        if not self._busy:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idling.wait()

    async def close(self) -> None:
        """Close all connections; what is under way on them breaks off."""
        self._closed = True
        for connection in (*self._idle, *self._busy):
            connection.close()
        self._idle.clear()

    async def _connection(self) -> KeptConnection:
        """A connection for one request: one that was kept, or a new one."""
        if self._closed:
            raise ContainerUnreachable(f"the connections to {self.url} were closed", sent=False)
        loop = asyncio.get_running_loop()
        oldest = loop.time() - IDLE_SECONDS
        while self._idle:
            kept = self._idle.pop()
            if kept.reusable and kept.idle_since > oldest:
                self._busy.add(kept)
                return kept
            kept.close()
        secure = ssl.create_default_context() if self._scheme == "https" else None
        try:
            _, opened = await loop.create_connection(
                lambda: KeptConnection(loop), self._host, self._port, ssl=secure
            )
        except OSError as error:
            what = os.strerror(error.errno) if error.errno else str(error)
            raise ContainerUnreachable(f"{self.url} can't be reached: {what}", sent=False) from None
        self._busy.add(opened)
        return opened

    def _give_back(self, connection: KeptConnection) -> None:
        self._busy.discard(connection)
        if not self._busy:
            self._idling.set()
        if connection.reusable and not self._closed:
            now = asyncio.get_running_loop().time()
            connection.idle_since = now
            self._idle.append(connection)
            if self._idle[0].idle_since < now - IDLE_SECONDS:  # one each time leaves none behind
                self._idle.popleft().close()
        else:
            connection.close()

    def _request_head(self, method: str, path: str, headers: Headers, body: bytes) -> bytes:
        lines = [f"{method} {self._prefix}{path} HTTP/1.1".encode(), b"host: " + self._host_line]
        lines += [name + b": " + value for name, value in headers]
        if body or method in ("POST", "PUT"):
            lines.append(b"content-length: %d" % len(body))
        head = b"\r\n".join(lines)
        if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1:
            raise ValueError(f"{method} {path!r}: the path and each header are one line each")
        return head + b"\r\n\r\n"

    def _broken(self, error: ContainerUnreachable) -> ContainerUnreachable:
        return ContainerUnreachable(f"{self.url}: {error.cause}")


def _parts(url: str) -> tuple[str, str, int, str]:
    """The scheme, the host, the port and the path of a URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{url!r} is not a URL: {error}") from None
    if parts.scheme not in PORTS or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"{url!r} is not an http or https URL such as http://127.0.0.1:8080")
    return parts.scheme, parts.hostname, port or PORTS[parts.scheme], parts.path
