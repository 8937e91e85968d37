"""A Runtime in a thread of its own, beside stub containers, asked by plain boto3."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.request import urlopen

import boto3
import uvloop
from botocore.config import Config
from botocore.response import StreamingBody

from byo.runtime.configuration import EndpointConfiguration, RuntimeSettings
from byo.runtime.invocations import RuntimeState
from byo.runtime.serve_runtime import listen, serve_runtime

SECONDS = 30.0


def read(url: str) -> str:
    """What is at an address."""
    with urlopen(url, timeout=SECONDS) as answer:
        text: str = answer.read().decode()
    return text


class LoopThread:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="event loop")
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any], seconds: float = SECONDS) -> Any:
        """What a coroutine returns, once it has ended on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def call(self, function: Any, *arguments: Any) -> Any:
        """What a function returns on the loop's thread."""

        async def called() -> Any:
            return function(*arguments)

        return self.run(called())

    def close(self) -> None:
        self.run(self._end_tasks())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()
        self.loop.close()

    async def _end_tasks(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@dataclass
class RunningRuntime:
    """A Runtime that is in service."""

    url: str
    state: RuntimeState
    loop: LoopThread
    clients: list[Any] = field(default_factory=list)

    def client(self, service: str = "sagemaker-runtime", **options: Any) -> Any:
        """A client of boto3 that tries once, and checks nothing of what it sends."""
        settings = {
            "retries": {"total_max_attempts": 1}, "parameter_validation": False,
            "read_timeout": 20, "max_pool_connections": 50, **options,
        }  # fmt: skip
        made = boto3.client(
            service,
            endpoint_url=self.url,
            region_name="eu-central-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=Config(**settings),
        )
        made.meta.events.register("after-call.sagemaker-runtime.InvokeEndpoint", _read_whole)
        self.clients.append(made)
        return made

    def close(self) -> None:
        """Close what the clients hold open."""
        for each in self.clients:
            each.close()


def _read_whole(parsed: dict[str, Any], **_: object) -> None:
    """Read a body at once, so that a test which does not want it leaves no socket open."""
    if "Body" in parsed:
        content = parsed["Body"].read()
        parsed["Body"] = StreamingBody(io.BytesIO(content), len(content))


@contextmanager
def running_runtime(
    loop: LoopThread, settings: RuntimeSettings, *configurations: EndpointConfiguration
) -> Iterator[RunningRuntime]:
    """Endpoints, in service until the block ends."""
    listening = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    stop: asyncio.Queue[int] = asyncio.Queue()
    ready: asyncio.Future[RuntimeState] = loop.loop.create_future()
    serving = asyncio.run_coroutine_threadsafe(
        serve_runtime(configurations, settings, listening, ready.set_result, stop), loop.loop
    )
    try:
        state = loop.run(_first(ready, asyncio.wrap_future(serving, loop=loop.loop)))
        with closing(RunningRuntime(url, state, loop)) as running:
            yield running
    finally:
        loop.loop.call_soon_threadsafe(stop.put_nowait, 15)
        serving.result(SECONDS)


async def _first(ready: asyncio.Future[Any], serving: asyncio.Future[Any]) -> Any:
    await asyncio.wait((ready, serving), return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    return ready.result()
