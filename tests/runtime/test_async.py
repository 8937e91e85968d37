"""`invoke_endpoint_async` by plain boto3: a folder takes the answers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from byo.runtime.async_jobs import Job
from byo.runtime.configuration import (
    AsyncConfiguration,
    EndpointConfiguration,
    RuntimeSettings,
    VariantConfiguration,
)
from tests.runtime.running import LoopThread, RunningRuntime, running_runtime
from tests.runtime.stub_container import StubContainer


@pytest.fixture
def asynchronous(
    loop: LoopThread, settings: RuntimeSettings, stub: StubContainer, tmp_path: Path
) -> Iterator[RunningRuntime]:
    """An endpoint that answers one invocation at a time into a folder."""
    places = AsyncConfiguration(str(tmp_path / "answers"), str(tmp_path / "failures"), 1)
    birds = EndpointConfiguration("birds", (VariantConfiguration(url=stub.url),), places)
    with running_runtime(loop, settings, birds) as running:
        yield running


def submit(running: RunningRuntime, attributes: str = "", **parameters: Any) -> Any:
    given = {"EndpointName": "birds", "ContentType": "text/csv", **parameters}
    if attributes:
        given["CustomAttributes"] = attributes
    return running.client().invoke_endpoint_async(**given)


def object_at(running: RunningRuntime, location: str) -> bytes:
    """The object, once it is there."""
    file = Path(urlsplit(location).path)

    async def wait() -> bytes:
        async with asyncio.timeout(20):
            while not file.is_file():
                await asyncio.sleep(0.01)
        return file.read_bytes()

    return running.loop.run(wait())


def test_a_body_is_answered_by_an_object(
    asynchronous: RunningRuntime, stub: StubContainer, tmp_path: Path
) -> None:
    answer = submit(asynchronous, Body=b"1,2", Accept="text/csv", InferenceId="mine")

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["InferenceId"] == "mine"
    assert answer["OutputLocation"] == (tmp_path / "answers" / "mine.out").as_uri()
    assert answer["FailureLocation"] == (tmp_path / "failures" / "mine-error.out").as_uri()
    assert json.loads(object_at(asynchronous, answer["OutputLocation"]))["bytes"] == 3
    (got,) = stub.invocations
    assert (got.headers["content-type"], got.headers["accept"]) == ("text/csv", "text/csv")
    assert got.headers["x-amzn-sagemaker-inference-id"] == "mine"


def test_an_input_is_fetched_and_its_answer_named(
    asynchronous: RunningRuntime, bucket: Path
) -> None:
    """More than an invocation's body may be; the answer's name and folder can be chosen."""
    (bucket / "input.csv").write_bytes(b"x" * 7_000_000)

    answer = submit(
        asynchronous,
        InputLocation="s3://inputs/input.csv",
        Filename="answer.json",
        S3OutputPathExtension="today/first",
    )

    assert answer["OutputLocation"].endswith("/answers/today/first/answer.json")
    assert json.loads(object_at(asynchronous, answer["OutputLocation"]))["bytes"] == 7_000_000


def test_a_failure_is_an_object_too(asynchronous: RunningRuntime) -> None:
    answer = submit(asynchronous, "status=500|body=it broke", Body=b"1")

    text = object_at(asynchronous, answer["FailureLocation"]).decode()

    assert text.startswith('Received server error (500) from primary with message "it broke"')
    assert not Path(urlsplit(answer["OutputLocation"]).path).exists()


def test_an_input_that_is_not_there_is_a_failure(asynchronous: RunningRuntime) -> None:
    answer = submit(asynchronous, InputLocation="https://127.0.0.1:1/input.csv")

    assert b"127.0.0.1:1" in object_at(asynchronous, answer["FailureLocation"])


def test_invocations_wait_their_turn(asynchronous: RunningRuntime, stub: StubContainer) -> None:
    """One at a time: the second reaches the container once the first has been answered."""
    first = submit(asynchronous, "wait", Body=b"1")
    asynchronous.loop.run(asyncio.wait_for(stub.arrived.wait(), 20))
    second = submit(asynchronous, Body=b"22")
    waiting = len(stub.invocations)
    asynchronous.loop.call(stub.release.set)

    assert waiting == 1
    assert json.loads(object_at(asynchronous, first["OutputLocation"]))["bytes"] == 1
    assert json.loads(object_at(asynchronous, second["OutputLocation"]))["bytes"] == 2


def test_what_waited_too_long_is_not_sent(
    asynchronous: RunningRuntime, stub: StubContainer
) -> None:
    jobs = asynchronous.state.endpoints["birds"].jobs
    assert jobs is not None
    given = {"RequestTTLSeconds": "60"}
    late = Job("late", given, [], b"1", "", "late.out", time.monotonic() - 61)

    locations = asynchronous.loop.call(jobs.submit, late)

    assert b"waited 61 s" in object_at(asynchronous, locations["FailureLocation"])
    assert stub.invocations == []


def test_what_is_not_answered_when_it_stops_is_said(
    loop: LoopThread,
    settings: RuntimeSettings,
    stub: StubContainer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    places = AsyncConfiguration(str(tmp_path / "answers"))
    birds = EndpointConfiguration("birds", (VariantConfiguration(url=stub.url),), places)
    with running_runtime(loop, settings, birds) as running:
        submit(running, "wait", Body=b"1")
        loop.run(asyncio.wait_for(stub.arrived.wait(), 20))

    assert "1 asynchronous invocations were not answered" in caplog.text


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "Exactly one of Body and InputLocation"),
        ({"Body": b"1", "InputLocation": "s3://b/k"}, "Exactly one of Body and InputLocation"),
        ({"Body": b"x" * 128_001}, "length less than or equal to 128000"),
        ({"Body": b"1", "S3OutputPathExtension": "../up"}, "S3OutputPathExtension"),
    ],
)
def test_what_is_not_taken(
    asynchronous: RunningRuntime, parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(ClientError, match=said) as caught:
        submit(asynchronous, **parameters)

    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_an_endpoint_that_is_not_asynchronous_says_so(runtime: RunningRuntime) -> None:
    with pytest.raises(ClientError, match="has no AsyncInferenceConfig"):
        submit(runtime, Body=b"1")
