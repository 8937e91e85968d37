"""What follows where a container ends, is sick, or gives way to another one."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import NoReturn

import pytest
from botocore.exceptions import ClientError

from byo.command_errors import EndpointFailed
from byo.endpoint import Client
from byo.runtime.configuration import (
    EndpointConfiguration,
    RuntimeSettings,
    VariantConfiguration,
)
from byo.runtime.instance import Instance
from byo.runtime.variant import State, Variant
from byo.served_container import ContainerUnreachable
from tests.runtime.running import LoopThread, RunningRuntime, read, running_runtime
from tests.runtime.stub_container import StubContainer


async def until(state: State, running: RunningRuntime) -> None:
    """Until the only variant's state is this one."""
    (variant,) = running.state.endpoints["birds"].variants.values()
    async with asyncio.timeout(20):
        while variant.state is not state:
            await asyncio.sleep(0.01)


def birds(url: str, **options: object) -> EndpointConfiguration:
    return EndpointConfiguration("birds", (VariantConfiguration(url=url, **options),))


def test_a_container_that_is_not_healthy_fails_the_start(
    loop: LoopThread, settings: RuntimeSettings, start_stub: Callable[..., StubContainer]
) -> None:
    sick = start_stub(ping_status=500)

    with (
        pytest.raises(EndpointFailed, match="GET /ping was answered with 500"),
        running_runtime(loop, settings, birds(sick.url, startup_seconds=0.3)),
    ):
        pass


def test_a_container_that_becomes_sick_is_replaced(
    loop: LoopThread, settings: RuntimeSettings, stub: StubContainer
) -> None:
    """Its endpoint says so meanwhile, and answers again once it is healthy."""
    fast = RuntimeSettings(settings.folder, ping_seconds=0.02, restart_seconds=0.01)
    with running_runtime(loop, fast, birds(stub.url)) as running:
        loop.call(setattr, stub, "ping_status", 503)
        loop.run(until(State.FAILED, running))
        described = running.client("sagemaker").describe_endpoint(EndpointName="birds")
        loop.call(setattr, stub, "ping_status", 200)
        loop.run(until(State.IN_SERVICE, running))
        running.client().invoke_endpoint(EndpointName="birds", Body=b"")
        text = read(f"{running.url}/metrics")

    assert described["EndpointStatus"] == "Failed"
    assert "GET /ping was answered with 503" in described["FailureReason"]
    assert 'ContainerRestarts_total{EndpointName="birds",VariantName="AllTraffic"} 1.0' in text


def test_containers_are_asked_what_sagemaker_asks(
    loop: LoopThread, settings: RuntimeSettings, stub: StubContainer
) -> None:
    often = RuntimeSettings(settings.folder, ping_seconds=0.01, scrape_seconds=0.01)
    with running_runtime(loop, often, birds(stub.url)):
        loop.run(until_asked(stub, "/metrics"))

    assert [each.path for each in stub.got[:2]] == ["/ping", "/ping"]


async def until_asked(stub: StubContainer, path: str) -> None:
    async with asyncio.timeout(20):
        while path not in [each.path for each in stub.got]:
            await asyncio.sleep(0.01)


class Refused(Exception):
    """An update that was not done."""


def update(running: RunningRuntime, **wanted: object) -> dict:
    """Have an endpoint updated; what came of it."""
    body = json.dumps({"endpoint": "birds", **wanted}).encode()
    with Client(running.url, timeout=20) as client:
        answer = client.request("POST", "/-/update", body, {"Content-Type": "application/json"})
    if not answer.ok:
        raise Refused(json.loads(answer.body)["Message"])
    return json.loads(answer.body)


def test_an_update_under_load_loses_nothing(
    loop: LoopThread, settings: RuntimeSettings, start_stub: Callable[..., StubContainer]
) -> None:
    """Requests before, amid and after it are all answered, by the new container from then on."""
    old, new = start_stub("old"), start_stub("new")
    with running_runtime(loop, settings, birds(old.url)) as running:
        answered: list[str] = []
        stop = threading.Event()

        def ask() -> None:
            client = running.client()
            while not stop.is_set():
                body = client.invoke_endpoint(EndpointName="birds", Body=b"1")["Body"].read()
                answered.append(json.loads(body)["container"])

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        loop.run(until_asked(old, "/invocations"))
        report = update(running, url=new.url)
        asked = len(new.invocations)
        loop.run(until_invoked(new, asked + 20))
        stop.set()
        for thread in threads:
            thread.join(20)
        (variant,) = running.state.endpoints["birds"].variants.values()

    assert report["lost"] == 0
    assert variant.metrics.failed == 0
    assert {"old", "new"} == set(answered)
    assert set(answered[-8:]) == {"new"}


async def until_invoked(stub: StubContainer, times: int) -> None:
    async with asyncio.timeout(20):
        while len(stub.invocations) < times:
            await asyncio.sleep(0.01)


class GivingWay(Instance):
    """A container that can't be reached any more, as another one takes its place."""

    successor: Instance
    variant: Variant

    def _give_way(self) -> NoReturn:
        self.variant.instance = self.successor
        raise ContainerUnreachable("nothing listens", sent=False)

    async def invoke(self, *_: object) -> NoReturn:
        self._give_way()

    def stream(self, *_: object) -> NoReturn:
        self._give_way()


@pytest.mark.parametrize("streamed", [False, True])
def test_what_was_not_sent_goes_to_the_container_that_has_taken_over(
    runtime: RunningRuntime, stub: StubContainer, streamed: bool
) -> None:
    (variant,) = runtime.state.endpoints["birds"].variants.values()
    assert variant.instance is not None
    old = GivingWay(variant.instance.container, variant.instance.folder)
    old.successor, old.variant = variant.instance, variant
    runtime.loop.call(setattr, variant, "instance", old)

    if streamed:
        answer = runtime.client().invoke_endpoint_with_response_stream(
            EndpointName="birds", Body=b"1"
        )
        assert [event["PayloadPart"]["Bytes"][:12] for event in answer["Body"]] == [b'{"container"']
    else:
        runtime.client().invoke_endpoint(EndpointName="birds", Body=b"1")

    assert len(stub.invocations) == 1
    assert (old.lost, variant.metrics.failed) == (0, 0)


def test_an_update_that_fails_leaves_the_old_container(
    runtime: RunningRuntime, start_stub: Callable[..., StubContainer]
) -> None:
    with pytest.raises(Refused, match="All stays as it was: --model /no/such/model does not exist"):
        update(runtime, model_data="/no/such/model")

    runtime.client().invoke_endpoint(EndpointName="birds", Body=b"")


def test_a_weight_changes_without_another_container(
    loop: LoopThread, settings: RuntimeSettings, start_stub: Callable[..., StubContainer]
) -> None:
    blue, green = start_stub("blue"), start_stub("green")
    both = EndpointConfiguration(
        "birds",
        (
            VariantConfiguration("blue", 1, url=blue.url),
            VariantConfiguration("green", 0, url=green.url),
        ),
    )
    with running_runtime(loop, settings, both) as running:
        before = running.state.endpoints["birds"].variants["green"].instance
        first = update(running, variant="green", weight=1)
        second = update(running, variant="blue", weight=0)
        answer = running.client().invoke_endpoint(EndpointName="birds", Body=b"")
        after = running.state.endpoints["birds"].variants["green"].instance
        with pytest.raises(Refused, match="would all be 0"):
            update(running, variant="green", weight=0)

    assert [first["replaced"], second["replaced"]] == [False, False]
    assert before is after
    assert answer["InvokedProductionVariant"] == "green"


def test_a_container_that_is_started_as_all_stops_is_not_left(
    runtime: RunningRuntime, start_stub: Callable[..., StubContainer]
) -> None:
    """An update that comes to its end after the stop takes its container away again."""
    slow = start_stub("slow", ping_status=500)
    (variant,) = runtime.state.endpoints["birds"].variants.values()
    old = variant.instance
    configuration = VariantConfiguration(url=slow.url)
    updating = asyncio.run_coroutine_threadsafe(variant.update(configuration), runtime.loop.loop)
    runtime.loop.run(until_asked(slow, "/ping"))

    runtime.loop.run(variant.stop())
    runtime.loop.call(setattr, slow, "ping_status", 200)

    with pytest.raises(EndpointFailed, match="was stopped meanwhile"):
        updating.result(20)
    assert variant.instance is old


def test_an_update_names_what_it_does_not_know(runtime: RunningRuntime) -> None:
    with pytest.raises(Refused, match="colour can't be changed"):
        update(runtime, colour="red")


@pytest.mark.parametrize("weight", [1, 3])
def test_what_is_as_before_keeps_its_container_where_that_is_asked(
    loop: LoopThread, settings: RuntimeSettings, stub: StubContainer, weight: float
) -> None:
    """With all of its fields given, be they the same; without a word it is started anew."""
    with running_runtime(loop, settings, birds(stub.url)) as running:
        (variant,) = running.state.endpoints["birds"].variants.values()
        first = variant.instance
        fields = {"url": stub.url, "environment": {}, "image": None, "caching": True}
        kept = update(running, keep_equal=True, weight=weight, asynchronous=None, **fields)
        second = variant.instance
        anew = update(running, weight=weight, **fields)

    assert (kept["replaced"], kept["changed"]) == (False, weight != 1)
    assert second is first
    assert variant.weight == weight
    assert anew["replaced"]


def test_an_update_can_not_change_where_asynchronous_answers_go(runtime: RunningRuntime) -> None:
    with pytest.raises(Refused, match="AsyncInferenceConfig of endpoint birds can't be changed"):
        update(runtime, asynchronous={"output": "/elsewhere", "failure": None, "concurrency": 4})


@pytest.mark.parametrize("value", [None, 7, "A=1", ["A"]])
def test_an_environment_is_a_mapping(runtime: RunningRuntime, value: object) -> None:
    with pytest.raises(Refused, match="a value is of the wrong kind"):
        update(runtime, environment=value)


def test_no_container_is_service_unavailable(
    loop: LoopThread, settings: RuntimeSettings, stub: StubContainer
) -> None:
    with running_runtime(loop, settings, birds(stub.url)) as running:
        (variant,) = running.state.endpoints["birds"].variants.values()
        loop.call(setattr, variant, "instance", None)
        with pytest.raises(ClientError) as caught:
            running.client().invoke_endpoint(EndpointName="birds", Body=b"")

    assert caught.value.response["Error"]["Code"] == "ServiceUnavailable"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
