"""One request and its whole answer, within a bound, and how long its parts took."""

from __future__ import annotations

import http.client
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from byo.command_errors import UsageError
from byo.endpoint.client import Response
from contract.errors import reason_phrase

CHUNK_BYTES = 64 * 1024
SHOWN_BYTES = 100
CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}


class NoAnswer(Exception):
    """There was no whole answer: not in time, or the connection broke off. The text says which."""


@dataclass(frozen=True)
class Request:
    """What is sent.

    Args:
        method: in capitals.
        path: with the query.
        headers: by name, as they are sent.
        body: the bytes.
        chunked: whether to send it in chunks, without a Content-Length.
        cut: whether to send half of the body and go away.
    """

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    chunked: bool = False
    cut: bool = False


@dataclass(frozen=True)
class Answer:
    """What came.

    Args:
        request: what was asked.
        status: as a number.
        headers: names in lower case.
        body: the bytes, without the transfer's coding.
        seconds: from the request's first byte to the answer's last.
        connect_seconds: how long it took to connect; None on a connection that was kept.
        kept: whether the connection may be used again.
    """

    request: Request
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float
    connect_seconds: float | None
    kept: bool

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def content_type(self) -> str:
        return self.header("content-type")

    def header(self, name: str) -> str:
        """The first header of a name, in lower case; empty where there is none."""
        return next((value for each, value in self.headers if each == name), "")

    def __str__(self) -> str:
        if not self.ok:
            return Response(self.status, self.content_type, self.body).failure()
        text = " ".join(self.body[:SHOWN_BYTES].decode(errors="replace").split())
        text += "…" if len(self.body) > SHOWN_BYTES else ""
        title = f"{self.status} {reason_phrase(self.status)} as {self.content_type or 'no type'}"
        return f"{title}: {text}" if text else title


class Exchange(AbstractContextManager["Exchange"]):
    """A connection to one server, kept from one request to the next where the server keeps it.

    Args:
        url: the server's address, with what path may come before every request's.
        timeout: seconds that a request may take altogether.

    Raises:
        UsageError: the address is no http or https URL.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self.url, self._timeout = url.rstrip("/"), timeout
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise UsageError(f"{url!r} is not a URL: {error}") from None
        if parts.scheme not in CONNECTIONS or not host:
            raise UsageError(f"{url!r} is not an http or https URL such as http://127.0.0.1:8080")
        self._prefix = parts.path
        self._connection = CONNECTIONS[parts.scheme](host, port, timeout=timeout)
        self._connection.auto_open = False

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next request opens it again."""
        self._connection.close()

    def ask(self, request: Request, timeout: float | None = None) -> Answer:
        """Send a request and read its whole answer.

        Args:
            request: what to send.
            timeout: seconds it may take, if not those of the exchange.

        Raises:
            NoAnswer: there was none in time, or the connection broke.
        """
        bound = self._timeout if timeout is None else timeout
        expired = threading.Event()
        try:
            connect_seconds = self._connect(min(bound, self._timeout))
            with self._ended_after(bound, expired):
                answer = self._exchange(request, connect_seconds)
            if expired.is_set():  # a body that ends with its connection ends by that, too
                raise TimeoutError
            return answer
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if expired.is_set() or isinstance(error, TimeoutError):
                raise NoAnswer(f"no whole answer within {bound:g} s") from None
            what = str(error) or type(error).__name__
            raise NoAnswer(f"the connection broke: {what}") from None
        except BaseException:
            self.close()
            raise

    def _connect(self, timeout: float) -> float | None:
        if self._connection.sock is not None and not _was_closed(self._connection.sock):
            return None
        self.close()
        self._connection.timeout = timeout
        start = time.monotonic()
        self._connection.connect()
        return time.monotonic() - start

    @contextmanager
    def _ended_after(self, seconds: float, expired: threading.Event) -> Iterator[None]:
        """Shut the connection down when the time is up, whatever it is waited for on it."""
        sock: socket.socket = self._connection.sock
        sock.settimeout(None)

        def end() -> None:
            expired.set()
            with suppress(OSError):  # it is closed by now
                sock.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _exchange(self, request: Request, connect_seconds: float | None) -> Answer:
        connection = self._connection
        start = time.monotonic()
        refused: OSError | None = None
        try:
            self._send(request)
        except (BrokenPipeError, ConnectionResetError) as error:
            refused = error  # the answer to a body that is too large comes before its end
        if request.cut:
            self.close()
            raise NoAnswer("the request was cut off, as was meant")
        try:
            with connection.getresponse() as answer:
                body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise (refused or error) from None
        headers = tuple((name.lower(), value) for name, value in answer.getheaders())
        kept = not answer.will_close and refused is None
        if not kept:
            self.close()
        seconds = time.monotonic() - start
        return Answer(request, answer.status, headers, body, seconds, connect_seconds, kept)

    def _send(self, request: Request) -> None:
        """Send a request with its own headers, Host, and what tells its length."""
        headers, body = dict(request.headers), request.body
        if request.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif body or request.method in ("POST", "PUT"):
            headers["Content-Length"] = str(len(body))
        path = self._prefix + request.path
        self._connection.putrequest(request.method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            self._connection.putheader(name, value)
        if request.chunked:
            self._connection.endheaders(_chunks(body), encode_chunked=True)
        else:
            self._connection.endheaders(body[: len(body) // 2] if request.cut else body)


def _was_closed(kept: socket.socket) -> bool:
    """Whether the server has closed a kept connection: it sends nothing else between answers."""
    waiting = select.poll()
    waiting.register(kept, select.POLLIN)
    return bool(waiting.poll(0))


def _chunks(body: bytes) -> Iterator[bytes]:
    for at in range(0, len(body), CHUNK_BYTES):
        yield body[at : at + CHUNK_BYTES]
