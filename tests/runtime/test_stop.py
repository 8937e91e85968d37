"""How a Runtime stops: what is under way is answered first, unless it is told twice."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from byo.command_errors import UsageError
from byo.runtime.configuration import (
    EndpointConfiguration,
    RuntimeSettings,
    VariantConfiguration,
)
from byo.runtime.serve_runtime import listen, serve_runtime
from tests.runtime.running import LoopThread, RunningRuntime
from tests.runtime.stub_container import StubContainer


class Stopping:
    """A Runtime whose container is at work on one request, and the means to stop it."""

    def __init__(self, loop: LoopThread, settings: RuntimeSettings, stub: StubContainer) -> None:
        listening = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        birds = EndpointConfiguration("birds", (VariantConfiguration(url=stub.url),))
        self.signals: asyncio.Queue[int] = asyncio.Queue()
        self.loop = loop
        ready = threading.Event()
        self.serving = asyncio.run_coroutine_threadsafe(
            serve_runtime([birds], settings, listening, lambda _: ready.set(), self.signals),
            loop.loop,
        )
        assert ready.wait(20)
        self.running = RunningRuntime(url, None, loop)  # type: ignore[arg-type]
        self.answers: list[Any] = []
        self._asking = threading.Thread(target=self._ask)
        self._asking.start()
        loop.run(asyncio.wait_for(stub.arrived.wait(), 20))

    def _ask(self) -> None:
        try:
            answer = self.running.client().invoke_endpoint(
                EndpointName="birds", Body=b"1", CustomAttributes="wait"
            )
            self.answers.append(json.loads(answer["Body"].read()))
        except (ClientError, BotoCoreError) as error:
            self.answers.append(error)

    def signal(self) -> None:
        self.loop.call(self.signals.put_nowait, 15)

    def ended(self) -> Any:
        """What the request that was under way came to, once all has stopped."""
        self.serving.result(20)
        self._asking.join(20)
        self.running.close()
        (answer,) = self.answers
        return answer


def test_what_is_under_way_is_answered(
    loop: LoopThread, settings: RuntimeSettings, stub: StubContainer
) -> None:
    stopping = Stopping(loop, settings, stub)
    stopping.signal()
    loop.call(stub.release.set)

    assert stopping.ended() == {"container": "stub", "bytes": 1}


def test_a_second_signal_waits_for_nothing(
    loop: LoopThread, settings: RuntimeSettings, stub: StubContainer
) -> None:
    stopping = Stopping(loop, settings, stub)
    stopping.signal()
    stopping.signal()

    assert isinstance(stopping.ended(), ClientError | BotoCoreError)


def test_a_port_that_is_taken_is_told() -> None:
    taken = listen("127.0.0.1", 0)
    with taken, pytest.raises(UsageError, match="name another with --port"):
        listen("127.0.0.1", taken.getsockname()[1])
