"""A container that answers as the request's custom attributes say, and remembers what it got."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"


@dataclass
class Got:
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class StubContainer:
    """A server of `/ping` and `/invocations` on a free port.

    What it does is a list of words in the custom attributes, with ``|`` between: ``status=404``,
    ``body=TEXT``, ``wait`` (until `release` is set), ``break`` (amid the answer), ``silent``
    (closes without an answer), ``parts=N`` (chunks, each of which `release` lets go on),
    ``header=NAME:VALUE``.
    """

    name: str = "stub"
    ping_status: int = 200
    got: list[Got] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    @property
    def invocations(self) -> list[Got]:
        return [each for each in self.got if each.path.endswith(("/invocations", "/invoke"))]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while (got := await _request(reader)) is not None:
                self.got.append(got)
                if got.path == "/ping":
                    writer.write(_answer(self.ping_status, {}, b""))
                else:
                    self.arrived.set()
                    await self._act(got, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _act(self, got: Got, writer: asyncio.StreamWriter) -> None:
        words = dict(_words(got.headers.get(ATTRIBUTES, "")))
        headers = {
            "Content-Type": "text/plain",
            "X-Its-Own": "stripped",
            "X-Request-Id": "stripped",
        }
        name, colon, value = words.get("header", "").partition(":")
        if colon:
            headers[name] = value
        if "wait" in words:
            await self.release.wait()
        body = words["body"].encode() if "body" in words else self._echo(got)
        if "silent" in words:
            writer.transport.abort()
        elif "parts" in words:
            await self._parts(int(words["parts"]), "break" in words, writer)
        elif "break" in words:
            writer.write(_answer(200, headers, body)[:-1])
            await writer.drain()
            writer.close()
        else:
            writer.write(_answer(int(words.get("status", "200")), headers, body))

    async def _parts(self, count: int, breaks: bool, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        for number in range(count):
            part = b"part %d" % number
            writer.write(b"%x\r\n%s\r\n" % (len(part), part))
            await writer.drain()
            await self.release.wait()
            self.release.clear()
        if breaks:
            writer.transport.abort()
        else:
            writer.write(b"0\r\n\r\n")

    def _echo(self, got: Got) -> bytes:
        return json.dumps({"container": self.name, "bytes": len(got.body)}).encode()


def _words(attributes: str) -> Iterator[tuple[str, str]]:
    for word in filter(None, attributes.split("|")):
        name, _, value = word.partition("=")
        yield name, value


def _answer(status: int, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _request(reader: asyncio.StreamReader) -> Got | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, path, _ = head[0].split(" ")
    headers = {}
    for line in filter(None, head[1:]):
        name, _, value = line.partition(": ")
        headers[name.lower()] = value
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Got(method, path, headers, body)
