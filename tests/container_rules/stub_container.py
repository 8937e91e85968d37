"""A small container that keeps every rule, and can be told to break one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

WAIT_SECONDS = 20.0
LARGE = 1_000_000
TYPES = ("text/csv", "application/json", "application/jsonlines")


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    chunked: bool = False
    names: tuple[str, ...] = ()

    @property
    def is_ping(self) -> bool:
        return self.path == "/ping"

    @property
    def is_invocation(self) -> bool:
        return self.method == "POST" and self.path.endswith(("/invocations", "/invoke"))

    @property
    def is_load(self) -> bool:
        return (self.method, self.path) == ("POST", "/models")

    @property
    def is_list(self) -> bool:
        return (self.method, self.path) == ("GET", "/models")


@dataclass(frozen=True)
class Reply:
    """What to answer."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"
    close: bool = False


Misbehaviour = Callable[["Stub", Asked], Reply | None]


@dataclass
class Stub:
    """A model of two columns that tells of each row whether its first number is above 1.

    Args:
        misbehaviour: is asked first; what it answers takes the place of what is right.
    """

    misbehaviour: Misbehaviour = lambda _stub, _asked: None
    models: dict[str, str] = field(default_factory=dict)
    seen: list[Asked] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)
    broken_off: int = 0
    url: str = ""

    def await_seen(self, wanted: Callable[[Asked], bool], more_than: int = 0) -> None:
        """Wait until so many requests of a kind have come, and one more."""
        with self.news:
            assert self.news.wait_for(lambda: sum(map(wanted, self.seen)) > more_than, WAIT_SECONDS)

    def answer(self, asked: Asked) -> Reply:
        with self.news:
            self.seen.append(asked)
            self.news.notify_all()
        return self.misbehaviour(self, asked) or self.right(asked)

    def right(self, asked: Asked) -> Reply:
        if asked.is_ping:
            return Reply(200)
        if asked.path == "/invocations":
            return self.invoke(asked) if asked.method == "POST" else Reply(405, b"POST alone")
        if asked.path == "/models":
            return self.load(asked) if asked.method == "POST" else self.listing(asked)
        if asked.path.startswith("/models/"):
            return self.model(asked)
        return Reply(404, b"there is nothing here")

    def invoke(self, asked: Asked) -> Reply:
        kind = asked.headers.get("content-type", "text/csv").partition(";")[0].lower()
        accept = asked.headers.get("accept", "*/*").split(",")[0].partition(";")[0]
        if kind not in TYPES:
            return Reply(415, b"text/csv is read here")
        if accept not in (*TYPES, "*/*"):
            return Reply(406, b"text/csv can be had")
        try:
            # Of a large body no more is looked at: how it is answered is not what is tested.
            lines = [line for line in asked.body[:LARGE].decode().split("\n") if line]
            if not lines:
                return Reply(400, b"the body is empty")
            found = list(map(predict, lines))
        except ValueError:
            return Reply(400, b"that is no CSV of two numbers")
        return Reply(200, *written(found, "text/csv" if accept == "*/*" else accept))

    def load(self, asked: Asked) -> Reply:
        try:
            wanted = json.loads(asked.body)
        except ValueError:
            return Reply(400, b"that is no JSON")
        with self.news:
            if wanted["model_name"] in self.models:
                return Reply(409, b"loaded already")
            if not wanted["url"].startswith("/models/"):
                return Reply(404, b"no model lies there")
            self.models[wanted["model_name"]] = wanted["url"]
        return Reply(200)

    def listing(self, asked: Asked) -> Reply:
        names = list(self.models)
        limit = int(asked.query.get("limit", ["100"])[0])
        start = int(asked.query.get("next_page_token", ["0"])[0])
        page: dict[str, Any] = {
            "models": [entry(name, self.models[name]) for name in names[start : start + limit]]
        }
        if start + limit < len(names):
            page["nextPageToken"] = str(start + limit)
        return as_json(page)

    def model(self, asked: Asked) -> Reply:
        name = asked.path.split("/")[2]
        if asked.path.endswith("/invoke") and asked.method != "POST":
            return Reply(405, b"POST alone")
        with self.news:
            if name not in self.models:
                return Reply(404, b"no such model")
            if asked.method == "DELETE":
                del self.models[name]
                return Reply(200)
        return (
            self.invoke(asked)
            if asked.method == "POST"
            else as_json(entry(name, self.models[name]))
        )


@cache
def predict(line: str) -> int:
    first, _second = map(float, line.split(","))
    return int(first > 1)


def written(found: list[int], accept: str) -> tuple[bytes, str]:
    if accept == "application/json":
        return json.dumps(found).encode(), accept
    return "".join(f"{each}\n" for each in found).encode(), accept


def entry(name: str, url: str) -> dict[str, str]:
    return {"modelName": name, "modelUrl": url}


def as_json(document: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(document).encode(), "application/json")


@contextmanager
def running(stub: Stub) -> Iterator[Stub]:
    """The stub, answering at its URL until the block ends."""

    class Handler(_Handler):
        container = stub

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    container: ClassVar[Stub]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def answer(self) -> None:
        parts = urlsplit(self.path)
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "")
        length = int(self.headers.get("Content-Length") or 0)
        body = b"".join(self.chunks()) if chunked else self.rfile.read(length)
        if not chunked and len(body) < length:
            self.container.broken_off += 1
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(
            self.command,
            parts.path,
            parse_qs(parts.query),
            headers,
            body,
            chunked,
            tuple(self.headers),
        )
        reply = self.container.answer(asked)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        if reply.close:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    do_GET = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815
