"""Clients that don't send a whole request at once, or don't stay for its answer."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from byo.command_errors import EndpointFailed, RequestFailed
from byo.endpoint import Response

CONNECT_SECONDS = 5.0


def request_text(path: str, body: bytes, content_type: str) -> bytes:
    """A whole request on a connection of its own."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: soak\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def send_slowly(
    url: str, text: bytes, pause: float, seconds: float, over: threading.Event
) -> Response:
    """Send a request a byte at a time, but for its last ones once the time is over.

    Raises:
        EndpointFailed: the connection broke.
        RequestFailed: there was no answer within so many seconds after it was sent.
    """
    with _connection(url) as channel:
        for place in range(len(text)):
            if over.is_set():
                channel.sendall(text[place:])
                break
            channel.sendall(text[place : place + 1])
            over.wait(pause)
        channel.settimeout(seconds)
        answer = http.client.HTTPResponse(channel, method="POST")
        answer.begin()
        return Response(answer.status, answer.headers.get("Content-Type", ""), answer.read())


def send_part(url: str, part: bytes, stay: float, over: threading.Event) -> None:
    """Send a part of a request, stay a while and go; a whole one, and go before its answer.

    Raises:
        EndpointFailed: the connection broke.
        RequestFailed: nothing could be sent in time.
    """
    with _connection(url) as channel:
        channel.sendall(part)
        over.wait(stay)


@contextmanager
def _connection(url: str) -> Iterator[socket.socket]:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname, parts.port), CONNECT_SECONDS) as channel:
            yield channel
    except TimeoutError:
        raise RequestFailed("no answer in time") from None
    except (OSError, http.client.HTTPException) as error:
        raise EndpointFailed(f"broke off: {error!r}") from None
