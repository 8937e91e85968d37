"""A client for the container's HTTP interface, on the standard library alone."""

from __future__ import annotations

import http.client
import json
import select
import socket
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from byo.command_errors import EndpointFailed, RequestFailed, UsageError
from contract.errors import reason_phrase

DEFAULT_URL = "http://127.0.0.1:8080"
# SageMaker gives an invocation 60 s; its SDK waits 70 s for the answer.
TIMEOUT_SECONDS = 70.0
CHUNK_BYTES = 64 * 1024
LONGEST_DETAIL = 300


@dataclass(frozen=True)
class Response:
    """An endpoint's answer."""

    status: int
    content_type: str
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def document(self) -> dict[str, Any] | None:
        """The JSON object that its body is; None where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def failure(self) -> str:
        """One line that says what went wrong, from a problem document or any other body."""
        title = f"{self.status} {reason_phrase(self.status)}"
        document = self.document
        if document is None:
            return _joined(title, self.body.decode(errors="replace"))
        # multi-model-server's own errors carry a message.
        detail = document.get("detail") or document.get("message") or document.get("title") or ""
        return _joined(title, str(detail)) + _position(document)

    def require_ok(self) -> Response:
        """The answer itself, if it is one.

        Raises:
            RequestFailed: the status says otherwise.
        """
        if not self.ok:
            raise RequestFailed(self.failure())
        return self


class Client(AbstractContextManager["Client"]):
    """Requests to one endpoint, over one connection that is kept.

    Args:
        url: the endpoint's address, with what path may come before ``/invocations``.
        timeout: seconds that one request may take altogether.

    Raises:
        UsageError: the address is no http or https URL.
    """

    def __init__(self, url: str = DEFAULT_URL, timeout: float = TIMEOUT_SECONDS) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._prefix, self._connection = _connection(self.url, timeout)

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next request opens it again."""
        self._connection.close()

    def ping(self) -> Response:
        return self.request("GET", "/ping")

    def invoke(
        self,
        body: bytes,
        content_type: str,
        accept: str | None = None,
        target_model: str | None = None,
    ) -> Response:
        """Send a body to the single model, or to one of many by its name."""
        headers = {"Content-Type": content_type}
        if accept:
            headers["Accept"] = accept
        path = f"/models/{quote(target_model, safe='')}/invoke" if target_model else "/invocations"
        return self.request("POST", path, body, headers)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request and read its whole answer, whatever the status.

        Raises:
            EndpointFailed: nothing listens there, or the connection broke.
            RequestFailed: there was no whole answer in time.
        """
        try:
            return self._exchange(method, path, body, dict(headers or {}))
        except ConnectionRefusedError:
            raise EndpointFailed(
                f"nothing listens at {self.url} (connection refused): "
                "start the server with `byo serve`, or name another with --url"
            ) from None
        except TimeoutError:
            raise RequestFailed(
                f"{self.url}{path} gave no whole answer within {self._timeout:g} s"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            what = str(error) or type(error).__name__
            raise EndpointFailed(f"{self.url}{path} broke off: {what}") from None

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> Response:
        deadline = time.monotonic() + self._timeout
        if self._connection.sock is not None and _was_closed(self._connection.sock):
            self._connection.close()  # the next request opens it again
        try:
            self._connection.request(method, self._prefix + path, body, headers)
            # http.client lets go of the socket as soon as an answer says that it closes.
            sock = self._connection.sock
            answer = self._connection.getresponse()
            chunks = []
            while not answer.isclosed():
                # The timeout counts for each read: shorten it, so that drops add up to no more.
                sock.settimeout(max(deadline - time.monotonic(), 0.001))
                chunk = answer.read1(CHUNK_BYTES)
                if not chunk:
                    break
                chunks.append(chunk)
            if answer.length:
                raise http.client.IncompleteRead(b"".join(chunks), answer.length)
            answer.close()  # read1 leaves an answer open, and the connection takes no other then
        except BaseException:
            self._connection.close()
            raise
        if self._connection.sock is not None:
            self._connection.sock.settimeout(self._timeout)
        return Response(answer.status, answer.headers.get("Content-Type", ""), b"".join(chunks))


def _was_closed(kept: socket.socket) -> bool:
    """Whether the server has closed a kept connection: it sends nothing else between answers."""
    waiting = select.poll()
    waiting.register(kept, select.POLLIN)
    return bool(waiting.poll(0))


def _connection(url: str, timeout: float) -> tuple[str, http.client.HTTPConnection]:
    """The path before every request's, and a connection that is not open yet."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{url!r} is not a URL: {error}") from None
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    if parts.scheme not in kinds or not host:
        raise UsageError(f"{url!r} is not an http or https URL such as {DEFAULT_URL}")
    return parts.path, kinds[parts.scheme](host, port, timeout=timeout)


def _joined(title: str, detail: str) -> str:
    line = " ".join(detail.split())
    if len(line) > LONGEST_DETAIL:
        line = f"{line[:LONGEST_DETAIL]}…"
    return f"{title}: {line}" if line else title


def _position(document: Mapping[str, object]) -> str:
    """Where a problem document says that the request is at fault, in parentheses."""
    place = [f"{key} {document[key]}" for key in ("row", "column") if key in document]
    request = [f"request id {document['request_id']}"] if document.get("request_id") else []
    parts = [", ".join(place)] if place else []
    return f" ({'; '.join([*parts, *request])})" if parts or request else ""
