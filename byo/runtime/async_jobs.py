"""Invocations that are answered later: they wait their turn, and leave an object each."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from byo.objects import store_of
from byo.runtime.configuration import AsyncConfiguration
from byo.runtime.endpoint import Endpoint
from byo.runtime.invocations import RuntimeState, ask
from byo.runtime.wire_errors import RuntimeFault, ServiceUnavailable
from byo.runtime.wire_fields import CONTENT_TYPE
from contract.errors import ByoError

log = logging.getLogger(__name__)

# As AWS has them where a request names none.
TTL_SECONDS = 21_600
INVOCATION_SECONDS = 900
# Invocations that may wait for an endpoint.
MOST_WAITING = 10_000


@dataclass(frozen=True, slots=True)
class Job:
    """One invocation that is answered later.

    Args:
        inference_id: what it is called by.
        given: the request's fields.
        headers: for the container.
        body: the request's own; None where the body is to be fetched.
        input_location: where to fetch it from.
        name: of the object that its answer becomes, below the output's place.
        arrived: in seconds of ``time.monotonic``.
    """

    inference_id: str
    given: dict[str, str]
    headers: list[tuple[bytes, bytes]]
    body: bytes | None
    input_location: str
    name: str
    arrived: float

    @property
    def failure_name(self) -> str:
        return f"{self.inference_id}-error.out"

    def seconds(self, member: str, otherwise: int) -> float:
        return float(self.given.get(member, otherwise))


class AsyncJobs:
    """The jobs of one endpoint.

    Args:
        state: of the Runtime.
        endpoint: that is invoked.
        configuration: where answers go.
    """

    def __init__(
        self, state: RuntimeState, endpoint: Endpoint, configuration: AsyncConfiguration
    ) -> None:
        self._state = state
        self._endpoint = endpoint
        self._output = _Place(configuration.output)
        self._failure = _Place(configuration.failure) if configuration.failure else None
        self._turns = asyncio.Semaphore(configuration.concurrency)
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, job: Job) -> dict[str, str]:
        """Have a job done later.

        Returns:
            ``OutputLocation``, and ``FailureLocation`` where there is one.

        Raises:
            ServiceUnavailable: too many wait already.
        """
        if len(self._tasks) >= MOST_WAITING:
            raise ServiceUnavailable(f"{MOST_WAITING} invocations wait for {self._endpoint.name}.")
        task = asyncio.create_task(self._run(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        locations = {"OutputLocation": self._output.address(job.name)}
        if self._failure:
            locations["FailureLocation"] = self._failure.address(job.failure_name)
        return locations

    async def close(self) -> None:
        """Give up what has not been answered, and say how many."""
        if self._tasks:
            log.warning(
                "endpoint %s: %d asynchronous invocations were not answered, as the Runtime stops",
                self._endpoint.name,
                len(self._tasks),
            )
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, job: Job) -> None:
        try:
            async with self._turns:
                await self._answer(job)
        except ByoError as error:
            await self._fail(job, str(error))
        except Exception as error:
            log.exception("endpoint %s: %s failed", self._endpoint.name, job.inference_id)
            await self._fail(job, f"The Runtime failed: {error}")

    async def _answer(self, job: Job) -> None:
        waited = time.monotonic() - job.arrived
        limit = job.seconds("RequestTTLSeconds", TTL_SECONDS)
        if waited > limit:
            raise RuntimeFault(f"The request waited {waited:.0f} s, longer than its {limit:g} s.")
        body = job.body
        if body is None:
            body = await asyncio.to_thread(fetch, job.input_location)
        answer, _ = await ask(
            self._state,
            self._endpoint,
            self._endpoint.variant_for({}),
            job.given,
            job.headers,
            body,
            started=time.perf_counter(),
            timeout=job.seconds("InvocationTimeoutSeconds", INVOCATION_SECONDS),
        )
        kind = (answer.header(CONTENT_TYPE) or b"").decode("latin-1") or None
        await asyncio.to_thread(self._output.leave, job.name, answer.body, kind)

    async def _fail(self, job: Job, why: str) -> None:
        log.warning(
            "endpoint %s: asynchronous invocation %s: %s",
            self._endpoint.name,
            job.inference_id,
            why,
        )
        if self._failure is None:
            return
        try:
            await asyncio.to_thread(
                self._failure.leave, job.failure_name, why.encode(), "text/plain"
            )
        except ByoError as error:
            log.error("endpoint %s: %s", self._endpoint.name, error)


class _Place:
    """Where answers go: below a folder or an ``s3://`` address."""

    def __init__(self, place: str) -> None:
        self._store, self._prefix = store_of(place)

    def address(self, name: str) -> str:
        return self._store.address(self._key(name))

    def leave(self, name: str, content: bytes, kind: str | None) -> None:
        self._store.put(self._key(name), content, kind)

    def _key(self, name: str) -> str:
        return "/".join(filter(None, (self._prefix.strip("/"), name)))


def fetch(place: str) -> bytes:
    """The bytes of an object."""
    store, key = store_of(place)
    return store.read(key)
