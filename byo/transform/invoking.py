"""A job's requests to its container: in turn, within their time, and again where they fail."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from byo.command_errors import EndpointFailed, UsageError
from byo.served_container import Connections, ContainerUnreachable
from byo.transform.job_settings import JobSettings, Limits
from byo.transform.transform_errors import InvocationFailed

INVOCATIONS, PARAMETERS = "/invocations", "/execution-parameters"
PARAMETERS_SECONDS = 60.0
# Before the first request that is sent again; twice as long before each further one.
PAUSE_SECONDS = 0.2
TOO_MANY_REQUESTS = 429

Headers = tuple[tuple[bytes, bytes], ...]


def request_headers(settings: JobSettings) -> Headers:
    """The headers of each request: what SageMaker's have, and no others."""
    named = ((b"content-type", settings.content_type), (b"accept", settings.accept))
    return tuple((name, value.encode()) for name, value in named if value)


async def execution_parameters(connections: Connections) -> dict[str, Any]:
    """What the container suggests; nothing where it has no such path.

    Raises:
        UsageError: it answers with what is no JSON object.
        EndpointFailed: it does not answer.
    """
    try:
        answer = await connections.request("GET", PARAMETERS, timeout=PARAMETERS_SECONDS)
    except TimeoutError:
        raise EndpointFailed(
            f"the container did not answer GET {PARAMETERS} within {PARAMETERS_SECONDS:g} s"
        ) from None
    if answer.status != 200:
        return {}
    try:
        said = json.loads(answer.body)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise UsageError(f"the container's {PARAMETERS} is no JSON object: {answer.body[:100]!r}")
    return said


class Invoker:
    """Sends requests, no more of them at once than the job may.

    Args:
        connections: to the container.
        settings: the job's.
        limits: of its requests.
    """

    def __init__(self, connections: Connections, settings: JobSettings, limits: Limits) -> None:
        self.connections = connections
        self.headers = request_headers(settings)
        self.timeout = settings.timeout
        self._attempts = settings.retries + 1
        self.turns = asyncio.Semaphore(limits.max_concurrent)

    async def invoke(self, payload: bytes) -> bytes:
        """The body that answers a request.

        Raises:
            InvocationFailed: it was not answered with 200, nor was it when it was sent again. What
                is the request's own fault (4xx, but not 429) is not sent again.
        """
        async with self.turns:
            for attempt in range(1, self._attempts + 1):
                try:
                    return await self._attempt(payload)
                except InvocationFailed as failure:
                    if attempt == self._attempts or not failure.may_pass:
                        raise
                await asyncio.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(self, payload: bytes) -> bytes:
        try:
            answer = await self.connections.request(
                "POST", INVOCATIONS, self.headers, payload, timeout=self.timeout
            )
        except TimeoutError:
            raise no_response(f"no answer within {self.timeout} s") from None
        except ContainerUnreachable as error:
            raise no_response(error.cause) from None
        return require_ok(answer.status, answer.body)


def require_ok(status: int, body: bytes) -> bytes:
    """The body of an answer of 200.

    Raises:
        InvocationFailed: in the words of SageMaker's log.
    """
    if status == 200:
        return body
    may_pass = status >= 500 or status == TOO_MANY_REQUESTS
    raise InvocationFailed(
        f"Bad HTTP status received from algorithm: {status}", body, may_pass=may_pass
    )


def no_response(why: str) -> InvocationFailed:
    """The failure of a request that was not answered."""
    return InvocationFailed("Unable to get response from algorithm", why.encode(), may_pass=True)
