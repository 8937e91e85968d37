"""What follows where a container ends, is sick, or gives way to another one."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError

from byo.command_errors import EndpointFailed
from byo.runtime.configuration import (
    EndpointConfiguration,
    RuntimeSettings,
    VariantConfiguration,
)
from byo.runtime.variant import State
from tests.runtime.running import LoopThread, RunningRuntime, running_runtime
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
        text = urlopen(f"{running.url}/metrics").read().decode()

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


def update(running: RunningRuntime, **wanted: object) -> dict:
    request = Request(
        f"{running.url}/-/update",
        json.dumps({"endpoint": "birds", **wanted}).encode(),
        {"Content-Type": "application/json"},
    )
    return json.loads(urlopen(request, timeout=20).read())


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


def test_an_update_that_fails_leaves_the_old_container(
    runtime: RunningRuntime, start_stub: Callable[..., StubContainer]
) -> None:
    from urllib.error import HTTPError

    with pytest.raises(HTTPError) as caught:
        update(runtime, model_data="/no/such/model", url=None)

    assert caught.value.code == 400
    runtime.client().invoke_endpoint(EndpointName="birds", Body=b"")


def test_an_update_names_what_it_does_not_know(runtime: RunningRuntime) -> None:
    from urllib.error import HTTPError

    with pytest.raises(HTTPError) as caught:
        update(runtime, colour="red")

    assert "colour can't be changed" in json.loads(caught.value.read())["Message"]


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
