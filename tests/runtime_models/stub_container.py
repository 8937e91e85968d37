"""A multi-model container in this process, which does as it is told and notes what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from byo.served_container import Answer, ContainerUnreachable, Headers

SIZE_FILE = "size"


class StubContainer:
    """Models by SageMaker's contract, each of as many bytes as its file ``size`` says.

    It stands in the place of the connections to a container, or answers behind a socket.

    Args:
        memory: bytes for all models; a LOAD that does not fit is answered with 507.
        figures: whether a 507 and a GET say how many bytes.
    """

    def __init__(self, memory: int | None = None, *, figures: bool = True) -> None:
        self.memory = memory
        self.figures = figures
        self.models: dict[str, tuple[str, int]] = {}
        self.targets: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.unloaded: list[str] = []
        self.loaded: list[str] = []
        self.failing: dict[str, tuple[int, bytes]] = {}
        self.load_gate = asyncio.Event()
        self.invoke_gate = asyncio.Event()
        self.load_gate.set()
        self.invoke_gate.set()
        self.in_flight: Counter[str] = Counter()
        self.unloaded_in_use: list[str] = []
        self.loading: set[str] = set()
        self.slow_gets: list[int] = []
        self.life = 0
        self.unreachable = False
        self.arrived = asyncio.Event()

    @property
    def taken(self) -> int:
        return sum(size for _, size in self.models.values())

    def lose(self, target: str) -> None:
        """Forget a model, without a word."""
        for name in [name for name in self.models if self.targets[name] == target]:
            del self.models[name]

    def restart(self) -> None:
        """Forget all; what is under way breaks off."""
        self.life += 1
        self.models.clear()

    async def request(
        self, method: str, path: str, headers: Headers = (), body: bytes = b"", *, timeout: float
    ) -> Answer:
        async with asyncio.timeout(timeout):
            return await self.answer(method, path, headers, body)

    async def answer(self, method: str, path: str, headers: Headers, body: bytes) -> Answer:
        await asyncio.sleep(0)
        if self.unreachable:
            raise ContainerUnreachable("the stub is away")
        life = self.life
        self.arrived.set()
        name = path.split("/")[2] if path.count("/") > 1 else ""
        if method == "POST" and path == "/models":
            given = json.loads(body)
            answer = await self._load(given["model_name"], given["url"], headers)
        elif method == "POST" and path.endswith("/invoke"):
            answer = await self._invoke(name, body)
        elif method == "DELETE":
            answer = self._unload(name)
        else:
            answer = await self._describe(name)
        if life != self.life:
            raise ContainerUnreachable("the stub was started anew")
        return answer

    async def _load(self, name: str, url: str, headers: Headers) -> Answer:
        self.counts["LOAD"] += 1
        target = dict(headers)[b"x-amzn-sagemaker-target-model"].decode()
        self.loading.add(name)
        try:
            await self.load_gate.wait()
        finally:
            self.loading.discard(name)
        if target in self.failing:
            status, body = self.failing[target]
            return _answer(status, body)
        if name in self.models:
            return _answer(409, b"already loaded")
        size = int((Path(url) / SIZE_FILE).read_text())
        if self.memory is not None and self.taken + size > self.memory:
            self.counts["507"] += 1
            figures = {"needed": size, "free": self.memory - self.taken}
            return _answer(507, json.dumps(figures if self.figures else {}).encode())
        self.models[name] = (url, size)
        self.targets[name] = target
        self.loaded.append(target)
        return _answer(200, b"{}")

    async def _invoke(self, name: str, body: bytes) -> Answer:
        self.counts["INVOKE"] += 1
        if name not in self.models:
            # As multi-model-server has it while a model has no worker yet.
            return _answer(503, b"no worker") if name in self.loading else _answer(404, b"none")
        self.in_flight[name] += 1
        try:
            await self.invoke_gate.wait()
        finally:
            self.in_flight[name] -= 1
        return _answer(404 if body == b"404" else 200, self.targets[name].encode() + b":" + body)

    def _unload(self, name: str) -> Answer:
        self.counts["UNLOAD"] += 1
        if self.models.pop(name, None) is None:
            return _answer(404, b"no such model")
        self.unloaded.append(self.targets[name])
        if self.in_flight[name]:
            self.unloaded_in_use.append(self.targets[name])
        return _answer(200, b"{}")

    async def _describe(self, name: str) -> Answer:
        for _ in range(self.slow_gets.pop() if self.slow_gets else 0):
            await asyncio.sleep(0)
        if name not in self.models:
            return _answer(404, b"no such model")
        told = {"modelName": name, "modelUrl": self.models[name][0]}
        if self.figures:
            told["memoryBytes"] = self.models[name][1]
        return _answer(200, json.dumps(told).encode())


def _answer(status: int, body: bytes) -> Answer:
    return Answer(status, ((b"content-type", b"application/json"),), body)


@asynccontextmanager
async def behind_a_socket(stub: StubContainer) -> AsyncIterator[str]:
    """The URL that a stub answers at."""

    ended: list[asyncio.Task[None]] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(asyncio.current_task())  # type: ignore[arg-type]
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                method, path, _ = head[0].split()
                headers = [line.split(": ", 1) for line in head[1:] if line]
                named = [(name.lower().encode(), value.encode()) for name, value in headers]
                body = await reader.readexactly(int(dict(named).get(b"content-length", b"0")))
                answer = await stub.answer(method, path, named, body)
                length = f"content-length: {len(answer.body)}"
                writer.write(f"HTTP/1.1 {answer.status} X\r\n{length}\r\n\r\n".encode())
                writer.write(answer.body)
        except (asyncio.IncompleteReadError, ConnectionError, ContainerUnreachable):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
