"""A small container: answers as a test says, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answering = Callable[[bytes], tuple[int, bytes]]


def echo(body: bytes) -> tuple[int, bytes]:
    return 200, body


@dataclass
class Stub:
    """What the container is asked and answers.

    Args:
        answer: the status and the body for a request's body.
        parameters: what it suggests, or None for no such path.
    """

    answer: Answering = echo
    parameters: Any = None
    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def invoke(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        with self.lock:
            self.bodies.append(body)
            self.headers.append(headers)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self.answer(body)
        finally:
            with self.lock:
                self.at_once -= 1


@contextmanager
def serving(stub: Stub) -> Iterator[Stub]:
    """The stub behind a port of this machine."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.stub = stub
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    stub: Stub

    def handle_error(self, *_: object) -> None:
        """A client that has gone away is part of some tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        said = self.server.stub.parameters
        if self.path == "/ping":
            self._send(200, b"")
        elif said is None:
            self._send(404, b"")
        else:
            self._send(200, said if isinstance(said, bytes) else json.dumps(said).encode())

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(*self.server.stub.invoke(self._body(headers), headers))

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(headers["content-length"]))
        whole = b""
        while size := int(self.rfile.readline(), 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def _send(self, status: int, body: bytes) -> None:
        if status == 0:  # as one that breaks off
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
