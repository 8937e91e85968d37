"""`invoke_endpoint` by plain boto3: headers, variants, sessions, limits and errors."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import pytest
from botocore.exceptions import ClientError

from byo.runtime.configuration import (
    EndpointConfiguration,
    RuntimeSettings,
    VariantConfiguration,
)
from tests.runtime.running import LoopThread, RunningRuntime, running_runtime
from tests.runtime.service_model import header_members
from tests.runtime.stub_container import StubContainer

ROUTING = {"TargetModel", "TargetVariant", "TargetContainerHostname", "InferenceComponentName",
           "EnableExplanations", "SessionId"}  # fmt: skip


def invoke(running: RunningRuntime, attributes: str = "", **parameters: Any) -> Any:
    given = {"EndpointName": "birds", "Body": b"1,2", **parameters}
    if attributes:
        given["CustomAttributes"] = attributes
    return running.client().invoke_endpoint(**given)


def error_of(running: RunningRuntime, attributes: str = "", **parameters: Any) -> Any:
    with pytest.raises(ClientError) as caught:
        invoke(running, attributes, **parameters)
    return caught.value.response


def with_a_trace(request: Any, **_: object) -> None:
    request.headers["traceparent"] = "00-1-2-01"


def test_headers_of_the_operation_pass_and_no_others(
    runtime: RunningRuntime, stub: StubContainer
) -> None:
    """The container gets what the service model names, and nothing else of the request."""
    members = dict(header_members("InvokeEndpoint"))
    values = {member: f"{member}-value" for member in members if member not in ROUTING}

    client = runtime.client()
    client.meta.events.register("before-send", with_a_trace)
    answer = client.invoke_endpoint(EndpointName="birds", Body=b"1,2", **values)

    (got,) = stub.invocations
    theirs = {members[each].serialization["name"].lower(): text for each, text in values.items()}
    assert got.headers == {
        **theirs,
        "host": stub.url.removeprefix("http://"),
        "content-length": "3",
    }
    assert (got.method, got.path, got.body) == ("POST", "/invocations", b"1,2")
    assert answer["ContentType"] == "text/plain"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["Body"].read() == b'{"container": "stub", "bytes": 3}'
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert set(headers) == {
        "content-type", "content-length", "x-amzn-invoked-production-variant", "x-amzn-requestid",
        "date",
    }  # fmt: skip
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36


def test_custom_attributes_of_the_container_come_back(runtime: RunningRuntime) -> None:
    answer = invoke(runtime, "header=X-Amzn-SageMaker-Custom-Attributes:trace-1")

    assert answer["CustomAttributes"] == "trace-1"


@pytest.mark.parametrize(
    ("status", "side"),
    [(400, "client"), (404, "client"), (500, "server"), (503, "server")],
)
def test_an_error_of_the_container_is_a_model_error(
    runtime: RunningRuntime, status: int, side: str
) -> None:
    """424, with the container's own status and body, and where AWS would have its log."""
    response = error_of(runtime, f"status={status}|body=it said no")

    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["Error"]["Code"] == "ModelError"
    assert (response["OriginalStatusCode"], response["OriginalMessage"]) == (status, "it said no")
    group = "/aws/sagemaker/Endpoints/birds"
    assert response["LogStreamArn"] == f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    assert response["Error"]["Message"] == (
        f'Received {side} error ({status}) from primary with message "it said no". See '
        "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1"
        f"#logEventViewer:group={group} in account 000000000000 for more information."
    )


@pytest.mark.parametrize(
    ("headers", "status", "kind", "code"),
    [
        ({"Custom-Attributes": "status=404"}, 424, "ModelError", "CLIENT_ERROR_FROM_MODEL"),
        ({"Custom-Attributes": "status=500"}, 424, "ModelError", None),
        ({"Target-Model": "a"}, 400, "ValidationError", "TARGET_MODEL_HEADER_NOT_SUPPORTED"),
    ],
)
def test_errors_as_they_are_on_the_wire(
    runtime_once: RunningRuntime, headers: dict[str, str], status: int, kind: str, code: str | None
) -> None:
    """Clients of any language tell errors apart by a header; some read AWS's own code, too."""
    connection = HTTPConnection(runtime_once.url.removeprefix("http://"), timeout=10)
    with closing(connection):
        sent = {f"X-Amzn-SageMaker-{name}": value for name, value in headers.items()}
        connection.request("POST", "/endpoints/birds/invocations", b"", sent)
        answer = connection.getresponse()
        body = json.loads(answer.read())

    assert (answer.status, answer.headers["x-amzn-errortype"]) == (status, kind)
    assert answer.headers["content-type"] == "application/json"
    assert body.get("ErrorCode") == code


def test_a_long_error_is_shortened_to_what_a_message_may_be(runtime: RunningRuntime) -> None:
    text = "x" * 900
    response = error_of(runtime, f"status=500|body={text}")

    assert response["OriginalMessage"] == text
    assert len(response["Error"]["Message"]) <= 2048
    assert response["Error"]["Message"].endswith("for more information.")


@pytest.mark.parametrize("how", ["silent", "break"])
def test_a_container_that_breaks_off(runtime: RunningRuntime, how: str) -> None:
    response = error_of(runtime, how)

    assert (response["Error"]["Code"], response["OriginalStatusCode"]) == ("ModelError", 0)
    assert "gave no whole answer" in response["OriginalMessage"]


def test_a_timeout_is_a_model_error_of_status_0(
    loop: LoopThread, settings: RuntimeSettings, stub: StubContainer
) -> None:
    brief = RuntimeSettings(settings.folder, invocation_seconds=0.2)
    birds = EndpointConfiguration("birds", (VariantConfiguration(url=stub.url),))
    with running_runtime(loop, brief, birds) as running:
        response = error_of(running, "wait")

    assert response["OriginalStatusCode"] == 0
    assert response["Error"]["Message"].startswith(
        'Received server error (0) from primary with message "Your invocation timed out while '
        "waiting for a response from container primary."
    )


def test_no_such_endpoint(runtime: RunningRuntime) -> None:
    response = error_of(runtime, EndpointName="fish")

    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["Error"] == {
        "Code": "ValidationError",
        "Message": "Endpoint fish of account 000000000000 not found.",
    }


def test_a_target_model_where_there_is_one_model(runtime: RunningRuntime) -> None:
    response = error_of(runtime, TargetModel="a.tar.gz")

    assert response["Error"]["Code"] == "ValidationError"
    assert response["Error"]["Message"] == (
        "Endpoint birds is not a multi-model endpoint and does not support target model header."
    )


@pytest.mark.parametrize(
    "member", ["TargetContainerHostname", "InferenceComponentName", "EnableExplanations"]
)
def test_what_an_endpoint_does_not_have_is_refused_by_name(
    runtime: RunningRuntime, member: str
) -> None:
    assert f"{member} can't be used" in error_of(runtime, **{member: "x"})["Error"]["Message"]


def test_a_body_beyond_the_limit(
    loop: LoopThread, settings: RuntimeSettings, stub: StubContainer
) -> None:
    """413 in the words of AWS; up to the limit all passes, and another limit may be set."""
    small = RuntimeSettings(settings.folder, max_body=1000)
    birds = EndpointConfiguration("birds", (VariantConfiguration(url=stub.url),))
    with running_runtime(loop, small, birds) as running:
        response = error_of(running, Body=b"x" * 1001)
        answer = json.loads(invoke(running, Body=b"x" * 1000)["Body"].read())

    assert response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert response["Error"]["Message"].startswith("HTTP content length exceeded 1000 bytes.")
    assert "AWS documents 6 MB" in response["Error"]["Message"]
    assert answer["bytes"] == 1000


def test_six_megabytes_pass_and_a_byte_more_does_not(runtime: RunningRuntime) -> None:
    most = 6 * 1024 * 1024

    assert json.loads(invoke(runtime, Body=b"x" * most)["Body"].read())["bytes"] == most
    response = error_of(runtime, Body=b"x" * (most + 1))
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_variants_by_weight_and_by_name(
    loop: LoopThread, settings: RuntimeSettings, start_stub: Callable[..., StubContainer]
) -> None:
    stubs = {name: start_stub(name) for name in ("blue", "green", "none")}
    weights = {"blue": 3.0, "green": 1.0, "none": 0.0}
    birds = EndpointConfiguration(
        "birds",
        tuple(VariantConfiguration(n, weights[n], url=stubs[n].url) for n in weights),
    )
    with running_runtime(loop, settings, birds) as running:
        client = running.client()
        answered = Counter(
            client.invoke_endpoint(EndpointName="birds", Body=b"")["InvokedProductionVariant"]
            for _ in range(200)
        )
        named = invoke(running, TargetVariant="none")
        wrong = error_of(running, TargetVariant="red")

    # Of 200 with a chance of 1/4, fewer than 20 or more than 80 come once in 10^8 runs.
    assert answered.keys() == {"blue", "green"}
    assert 20 <= answered["green"] <= 80
    assert len(stubs["blue"].invocations) == answered["blue"]
    assert named["InvokedProductionVariant"] == "none"
    assert len(stubs["none"].invocations) == 1
    assert wrong["Error"]["Message"] == "Variant red of endpoint birds not found."


def test_a_session_stays_where_it_began(
    loop: LoopThread, settings: RuntimeSettings, start_stub: Callable[..., StubContainer]
) -> None:
    """NEW_SESSION may go anywhere; what follows goes to that container, until it says it closed."""
    stubs = [start_stub(name) for name in ("blue", "green")]
    birds = EndpointConfiguration(
        "birds", tuple(VariantConfiguration(each.name, url=each.url) for each in stubs)
    )
    new = "header=X-Amzn-SageMaker-New-Session-Id:s-1; Expires=2099-01-31T12:00:00Z"
    with running_runtime(loop, settings, birds) as running:
        first = invoke(running, new, SessionId="NEW_SESSION")
        rest = {invoke(running, SessionId="s-1")["InvokedProductionVariant"] for _ in range(20)}
        closed = invoke(running, "header=X-Amzn-SageMaker-Closed-Session-Id:s-1", SessionId="s-1")
        after = error_of(running, SessionId="s-1")

    assert first["NewSessionId"] == "s-1; Expires=2099-01-31T12:00:00Z"
    assert rest == {first["InvokedProductionVariant"]}
    assert closed["ClosedSessionId"] == "s-1"
    assert after["Error"]["Code"] == "ValidationError"
    assert "Session s-1 of endpoint birds is unknown" in after["Error"]["Message"]
    used = next(each for each in stubs if each.name == first["InvokedProductionVariant"])
    assert used.invocations[0].headers["x-amzn-sagemaker-session-id"] == "NEW_SESSION"
    assert used.invocations[1].headers["x-amzn-sagemaker-session-id"] == "s-1"


def test_an_expired_session_is_refused(runtime: RunningRuntime) -> None:
    new = "header=X-Amzn-SageMaker-New-Session-Id:s-2; Expires=2001-01-31T12:00:00Z"
    invoke(runtime, new, SessionId="NEW_SESSION")

    assert "has expired" in error_of(runtime, SessionId="s-2")["Error"]["Message"]


def test_the_environment_variable_of_aws_is_enough(
    runtime: RunningRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that names no endpoint_url finds us, too."""
    import boto3

    for name, value in {
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": runtime.url,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
    }.items():
        monkeypatch.setenv(name, value)

    with closing(boto3.client("sagemaker-runtime")) as client:
        answer = client.invoke_endpoint(EndpointName="birds", Body=b"1")
        assert answer["Body"].read() == b'{"container": "stub", "bytes": 1}'
