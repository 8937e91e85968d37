"""`invoke_endpoint_with_response_stream` by plain boto3: botocore itself reads the event stream."""

from __future__ import annotations

from contextlib import closing

import pytest
from botocore.exceptions import ClientError, EventStreamError

from byo.runtime.configuration import (
    EndpointConfiguration,
    RuntimeSettings,
    VariantConfiguration,
)
from tests.runtime.running import LoopThread, RunningRuntime, running_runtime
from tests.runtime.stub_container import StubContainer


def open_stream(running: RunningRuntime, attributes: str) -> dict:
    return running.client().invoke_endpoint_with_response_stream(
        EndpointName="birds",
        Body=b"1,2",
        ContentType="text/csv",
        Accept="text/event-stream",
        CustomAttributes=attributes,
    )


def test_each_chunk_is_an_event_as_soon_as_it_comes(
    runtime: RunningRuntime, stub: StubContainer
) -> None:
    """The container sends the next part only once the one before has been read here."""
    answer = open_stream(runtime, "parts=3")

    parts = []
    for event in answer["Body"]:
        parts.append(event["PayloadPart"]["Bytes"])
        runtime.loop.call(stub.release.set)

    assert parts == [b"part 0", b"part 1", b"part 2"]
    assert answer["ContentType"] == "text/event-stream"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    (got,) = stub.invocations
    assert got.headers["accept"] == "text/event-stream"
    assert got.headers["content-type"] == "text/csv"
    assert "x-amzn-sagemaker-accept" not in got.headers


def test_a_container_that_breaks_off_is_an_error_in_the_stream(
    runtime: RunningRuntime, stub: StubContainer
) -> None:
    with closing(open_stream(runtime, "parts=1|break")["Body"]) as body:
        events = iter(body)
        assert next(events)["PayloadPart"]["Bytes"] == b"part 0"
        runtime.loop.call(stub.release.set)
        with pytest.raises(EventStreamError) as caught:
            next(events)

    assert caught.value.response["Error"]["Code"] == "ModelStreamError"


def test_a_timeout_is_an_error_in_the_stream(
    loop: LoopThread, settings: RuntimeSettings, stub: StubContainer
) -> None:
    brief = RuntimeSettings(settings.folder, invocation_seconds=0.3)
    birds = EndpointConfiguration("birds", (VariantConfiguration(url=stub.url),))
    with (
        running_runtime(loop, brief, birds) as running,
        closing(open_stream(running, "parts=2")["Body"]) as body,
    ):
        events = iter(body)
        assert next(events)["PayloadPart"]["Bytes"] == b"part 0"
        with pytest.raises(EventStreamError, match="timed out while waiting"):
            next(events)


def test_an_error_before_the_stream_is_http(runtime: RunningRuntime) -> None:
    with pytest.raises(ClientError) as caught:
        open_stream(runtime, "status=400|body=no")

    assert caught.value.response["Error"]["Code"] == "ModelError"
    assert caught.value.response["OriginalMessage"] == "no"
