"""A reverse proxy that passes everything on as it is, and records the invocations."""

from __future__ import annotations

import asyncio
import io
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from yarl import URL

from byo.recorded.recording import Invocation, RecordedAnswer, Recording, kept

# /invocations, one model of many, and the paths of SageMaker Runtime.
INVOCATION = re.compile(r"(?:^|/)(?:invocations|invoke|invocations-response-stream)$")
# Headers of one connection alone (RFC 9110, 7.6.1), and what each side says anew.
OF_A_CONNECTION = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
    "transfer-encoding", "upgrade", "expect",
}  # fmt: skip
# What aiohttp would say by itself.
NOT_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
CHUNK_BYTES = 64 * 1024
# Bytes: what is too large is for the server to say.
NO_LIMIT = 1 << 40


class RecordingProxy:
    """Passes requests on to one server, and answers back.

    Args:
        recording: where invocations go; it names the server.
        timeout: seconds that an answer may take.
        session: what asks the server.
    """

    def __init__(
        self, recording: Recording, timeout: float, session: aiohttp.ClientSession
    ) -> None:
        self._recording, self._timeout, self._session = recording, timeout, session
        self._started = time.monotonic()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass one request on; 502 where the server can't be reached, 504 where it takes too long.

        What the proxy answers by itself is not recorded, nor what breaks off on the way.
        """
        passed = web.StreamResponse()
        try:
            async with asyncio.timeout(self._timeout):
                await self._pass_on(request, passed)
        except (TimeoutError, aiohttp.ClientError) as error:
            if passed.prepared:  # a client must not take it for a whole answer
                if request.transport is not None:
                    request.transport.abort()
                return passed
            if isinstance(error, TimeoutError):
                status, why = 504, f"gave no answer within {self._timeout:g} s"
            else:
                status, why = 502, f"can't be reached, or broke off: {error}"
            return web.Response(status=status, text=f"{self._recording.url} {why}\n")
        return passed

    async def _pass_on(self, request: web.Request, passed: web.StreamResponse) -> None:
        at = time.monotonic()
        body = await request.read()
        path = request.rel_url.raw_path_qs
        url = URL(self._recording.url.rstrip("/") + path, encoded=True)
        start = time.monotonic()
        async with self._session.request(
            request.method,
            url,
            headers=_passed_on(request),
            data=io.BytesIO(body) if body else b"",
            allow_redirects=False,
        ) as answer:
            passed.set_status(answer.status, answer.reason)
            for name, value in answer.headers.items():
                if name.lower() not in OF_A_CONNECTION:
                    passed.headers.add(name, value)
            await passed.prepare(request)
            parts = []
            async for part in answer.content.iter_chunked(CHUNK_BYTES):
                parts.append(part)
                await passed.write(part)
        if request.method == "POST" and INVOCATION.search(request.path):
            headers, whole = kept(answer.headers.items()), b"".join(parts)
            given = RecordedAnswer(answer.status, headers, whole, time.monotonic() - start)
            self._record(request, path, body, at - self._started, given)
        # The file has it before the client has the whole answer.
        await passed.write_eof()

    def _record(
        self, request: web.Request, path: str, body: bytes, at: float, answer: RecordedAnswer
    ) -> None:
        number, headers = self._recording.count + 1, kept(request.headers.items())
        self._recording.add(Invocation(number, at, request.method, path, headers, body, answer))


def _passed_on(request: web.Request) -> list[tuple[str, str]]:
    """The headers that go on with a request; its length is told anew."""
    left_out = OF_A_CONNECTION | {"host", "content-length"}
    return [
        (name, value) for name, value in request.headers.items() if name.lower() not in left_out
    ]


@asynccontextmanager
async def recording_proxy(
    recording: Recording, address: str, port: int, timeout: float
) -> AsyncIterator[str]:
    """A proxy that records, until the block ends.

    Args:
        recording: where invocations go, and which server's they are.
        address: where to listen.
        port: 0 for any that is free.
        timeout: seconds that an answer may take.

    Yields:
        The proxy's URL.

    Raises:
        OSError: the port is taken.
    """
    session = aiohttp.ClientSession(
        auto_decompress=False,
        connector=aiohttp.TCPConnector(limit=0),
        skip_auto_headers=NOT_ADDED,
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    async with session:
        proxy = RecordingProxy(recording, timeout, session)
        application = web.Application(client_max_size=NO_LIMIT)
        application.router.add_route("*", "/{path:.*}", proxy.handle)
        runner = web.AppRunner(application)
        await runner.setup()
        try:
            site = web.TCPSite(runner, address, port)
            await site.start()
            bound = runner.addresses[0]
            yield f"http://{bound[0]}:{bound[1]}"
        finally:
            await runner.cleanup()
