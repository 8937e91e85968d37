"""A whole object as one request in chunks, and its answer as it comes: `MaxPayloadInMB` of 0.

aiohttp sends it: the connections of `served_container` know the length of what they send.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import IO

from byo.transform.invoking import INVOCATIONS, Invoker, no_response, require_ok
from byo.transform.outputs import OutputFile

CHUNK_BYTES = 256 * 1024
# Of an answer that is no 200, as much as its log line may need.
FAILURE_BYTES = 64 * 1024
# The headers are the job's, as they are of other requests.
AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


async def invoke_in_chunks(invoker: Invoker, stream: IO[bytes], output: OutputFile) -> None:
    """Send a stream as it is read and write the answer as it arrives; one attempt.

    Args:
        invoker: whose container, headers and time limit count.
        stream: the object, unpacked.
        output: takes the answer.

    Raises:
        InvocationFailed: it was not answered with 200.
    """
    import aiohttp

    headers = {name.decode(): value.decode() for name, value in invoker.headers}
    limit = aiohttp.ClientTimeout(total=invoker.timeout)
    url = invoker.connections.url + INVOCATIONS
    session = aiohttp.ClientSession(timeout=limit, skip_auto_headers=AUTOMATIC)
    async with invoker.turns, session:
        try:
            async with session.post(url, data=_chunks(stream), headers=headers) as answer:
                if answer.status != 200:
                    require_ok(answer.status, await answer.content.read(FAILURE_BYTES))
                async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                    output.write(chunk)
        except TimeoutError:
            raise no_response(f"no answer within {invoker.timeout} s") from None
        except aiohttp.ClientError as error:
            raise no_response(str(error) or type(error).__name__) from None


async def _chunks(stream: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(stream.read, CHUNK_BYTES):
        yield chunk
