"""Our tables of headers against botocore's model of the service, and each limit over the wire."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from byo.runtime.wire_fields import ASYNC, INVOKE, STREAM, Field
from tests.runtime.running import RunningRuntime
from tests.runtime.service_model import (
    OPERATIONS,
    header_members,
    least_parameters,
    method_name,
    operation,
)

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
