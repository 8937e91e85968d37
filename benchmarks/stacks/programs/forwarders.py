"""Servers that pass each request on to a container and its answer back, and do nothing else.

    python forwarders.py SERVER CLIENT URL PORT

SERVER is ``uvicorn`` or ``aiohttp``, CLIENT is ``own`` (`byo.served_container`) or ``aiohttp``.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import uvicorn
import uvloop
from aiohttp import web

from byo.served_container import Connections

PASSED = (b"content-type", b"accept")
Ask = Callable[[list[tuple[bytes, bytes]], bytes], Awaitable[tuple[int, bytes, bytes]]]


def own_client(url: str) -> Ask:
    connections = Connections(url)

    async def ask(headers: list[tuple[bytes, bytes]], body: bytes) -> tuple[int, bytes, bytes]:
        answer = await connections.request("POST", "/invocations", headers, body, timeout=60)
        return answer.status, answer.header(b"content-type") or b"", answer.body

    return ask


def aiohttp_client(url: str) -> Ask:
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=512))

    async def ask(headers: list[tuple[bytes, bytes]], body: bytes) -> tuple[int, bytes, bytes]:
        texts = {name.decode(): value.decode() for name, value in headers}
        async with session.post(f"{url}/invocations", data=body, headers=texts) as answer:
            return answer.status, answer.headers["content-type"].encode(), await answer.read()

    return ask


async def serve_by_uvicorn(ask: Ask, port: int) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        headers = [header for header in scope["headers"] if header[0] in PASSED]
        status, kind, answer = await ask(headers, body)
        length = b"%d" % len(answer)
        headers = [(b"content-type", kind), (b"content-length", length)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    config = uvicorn.Config(
        application, port=port, http="httptools", ws="none", lifespan="off", log_level="error",
        access_log=False,
    )  # fmt: skip
    await uvicorn.Server(config).serve()


async def serve_by_aiohttp(ask: Ask, port: int) -> None:
    async def handle(request: web.Request) -> web.Response:
        headers = [
            (name, request.headers[name.decode()].encode())
            for name in PASSED
            if name.decode() in request.headers
        ]
        status, kind, answer = await ask(headers, await request.read())
        return web.Response(status=status, body=answer, headers={"Content-Type": kind.decode()})

    application = web.Application()
    application.router.add_post("/endpoints/{name}/invocations", handle)
    await web._run_app(application, host="127.0.0.1", port=port, print=None, access_log=None)


async def main() -> None:
    server, client, url, port = sys.argv[1:]
    ask = own_client(url) if client == "own" else aiohttp_client(url)
    await (serve_by_uvicorn if server == "uvicorn" else serve_by_aiohttp)(ask, int(port))


if __name__ == "__main__":
    uvloop.run(main())
