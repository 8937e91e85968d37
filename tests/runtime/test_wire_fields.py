"""Our tables of headers against botocore's model of the service, and each limit over the wire."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from byo.runtime.configuration import (
    AsyncConfiguration,
    EndpointConfiguration,
    RuntimeSettings,
    VariantConfiguration,
)
from byo.runtime.wire_fields import ASYNC, INVOKE, STREAM, Field
from tests.runtime.running import LoopThread, RunningRuntime, running_runtime
from tests.runtime.service_model import (
    OPERATIONS,
    header_members,
    least_parameters,
    method_name,
    operation,
)
from tests.runtime.stub_container import StubContainer

FIELDS = dict(zip(OPERATIONS, (INVOKE, ASYNC, STREAM), strict=True))
# Values that break a pattern, by a shape's name; those of one may break another's, too.
BROKEN = ("ü", " x", "-x", "x-", "a.b.c", "s3://a b", "ftp://a", "has blank", "a\tb", "é" * 3)

# Their patterns take all that a header can hold.
ANYTHING = ("ContentType", "Accept", "CustomAttributes", "EnableExplanations")


def limits(field: Field) -> tuple[int, int, str | None]:
    return field.least, field.most, field.pattern


@pytest.mark.parametrize("name", OPERATIONS)
def test_fields_are_those_of_the_service_model(name: str) -> None:
    """The same members, as the same headers, with the same limits."""
    theirs = {
        member: (
            shape.serialization["name"],
            (
                shape.metadata.get("min", 0),
                shape.metadata["max"],
                shape.metadata.get("pattern"),
            ),
            shape.metadata.get("sensitive", False),
        )
        for member, shape in header_members(name)
    }
    ours = {field.member: (field.header, limits(field), field.sensitive) for field in FIELDS[name]}

    assert ours == theirs


# What names a variant or a session that there would have to be, or what only the platform acts on.
UNSENT = {
    "TargetModel", "TargetVariant", "TargetContainerHostname", "InferenceComponentName",
    "EnableExplanations", "SessionId", "InputLocation",
}  # fmt: skip
VALUES = {"RequestTTLSeconds": 60, "InvocationTimeoutSeconds": 60}
# Elsewhere a container has them by the names that it knows.
RENAMED = {f"x-amzn-sagemaker-{name}": name for name in ("accept", "content-type")}
FOR_THE_PLATFORM = {
    "S3OutputPathExtension", "Filename", "RequestTTLSeconds", "InvocationTimeoutSeconds",
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
def test_all_parameters_reach_the_container_and_nothing_else(
    loop: LoopThread, settings: RuntimeSettings, stub: StubContainer, name: str
) -> None:
    """Each by the header that the service model has, with the names of types as containers know."""
    members = {member: shape for member, shape in header_members(name) if member not in UNSENT}
    given = {member: VALUES.get(member, f"a-{member}") for member in members}
    places = AsyncConfiguration(str(settings.folder / "answers"))
    birds = EndpointConfiguration("birds", (VariantConfiguration(url=stub.url),), places)
    with running_runtime(loop, settings, birds) as running:
        call = getattr(running.client(), method_name(name))
        answer = call(**least_parameters(name), **given)
        if name == "InvokeEndpointWithResponseStream":
            assert list(answer["Body"])  # read to its end, so that nothing stays open
        loop.run(asyncio.wait_for(stub.arrived.wait(), 20))

    headers = {
        members[member].serialization["name"].lower(): value
        for member, value in given.items()
        if member not in FOR_THE_PLATFORM
    }
    expected = {RENAMED.get(header, header): value for header, value in headers.items()}
    (got,) = stub.invocations
    assert {**got.headers, "host": ""} == {**expected, "host": "", "content-length": "3"}


def violations() -> list[Any]:
    """A parameter that breaks one limit of its shape, for each limit of each header."""
    cases = []
    for name in OPERATIONS:
        for member, shape in header_members(name):
            least, most = shape.metadata.get("min", 0), shape.metadata["max"]
            if shape.type_name == "integer":
                bad: list[Any] = [least - 1, most + 1]
            else:
                fill = "s3://b/" if member == "InputLocation" else ""
                bad = [fill + "x" * (most + 1 - len(fill))]
            cases += [pytest.param(name, member, value, id=f"{name}-{member}") for value in bad]
    return cases


@pytest.mark.parametrize(("name", "member", "value"), violations())
def test_limits_hold_on_the_wire(
    runtime_once: RunningRuntime, name: str, member: str, value: Any
) -> None:
    """What breaks a limit is a ValidationError in AWS's words, and reaches no container."""
    call = getattr(runtime_once.client(), method_name(name))
    parameters = {**least_parameters(name), member: value}

    with pytest.raises(ClientError) as caught:
        call(**parameters)

    error = caught.value.response["Error"]
    metadata = caught.value.response["ResponseMetadata"]
    assert (error["Code"], metadata["HTTPStatusCode"]) == ("ValidationError", 400)
    where = f"at '{member[0].lower()}{member[1:]}' failed to satisfy constraint: Member must"
    assert error["Message"].startswith("1 validation error detected: Value")
    assert where in error["Message"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_errors_are_those_of_the_service_model(name: str) -> None:
    """Each error that an operation may have with a status is one of ours, with that status."""
    from byo.runtime import wire_errors

    for shape in operation(name).error_shapes:
        status = shape.metadata.get("error", {}).get("httpStatusCode")
        if status:  # the others come within a stream
            assert getattr(wire_errors, shape.name).status == status


@pytest.mark.parametrize(
    "field", [each for each in INVOKE if each.member not in ANYTHING], ids=lambda each: each.member
)
def test_patterns_hold(runtime_once: RunningRuntime, field: Field) -> None:
    """A value that the service model's pattern does not take is refused."""
    pattern = (field.pattern or "").replace(r"[\p{Print}]", r"[\x20-\x7e]").replace(r"\z", r"\Z")
    bad = [value for value in BROKEN if value.isascii() and not re.fullmatch(pattern, value)]
    bad = [value for value in bad if value == value.strip()]
    if field.pattern == r"\A\S[\p{Print}]*\z":
        bad = ["a\tb"]
    assert bad

    with pytest.raises(ClientError, match="regular expression pattern"):
        runtime_once.client().invoke_endpoint(
            EndpointName="birds", Body=b"", **{field.member: bad[0]}
        )
