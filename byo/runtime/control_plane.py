"""The part of SageMaker's control plane that clients of an endpoint ask: what there is.

`POST /` with ``X-Amz-Target: SageMaker.DescribeEndpoint`` and ``ListEndpoints``, in AWS's JSON 1.1.
Everything else is refused: endpoints are made by `byo endpoint up`.
"""

from __future__ import annotations

import json
from typing import Any

from byo.runtime.calls import Call
from byo.runtime.endpoint import Endpoint
from byo.runtime.invocations import RuntimeState
from byo.runtime.wire_errors import MEGABYTE
from byo.served_container.kept_connection import first_value

TARGET = b"x-amz-target"
JSON_1_1 = ((b"content-type", b"application/x-amz-json-1.1"),)
PREFIX = "SageMaker."


class _Refused(Exception):
    """An error of the control plane: its type, and its message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


async def control_plane(state: RuntimeState, call: Call) -> None:
    """Answer one request of the control plane."""
    operation = (first_value(call.headers, TARGET) or b"").decode("latin-1").removeprefix(PREFIX)
    body = await call.body(MEGABYTE)
    try:
        answer, status = _answer(state, operation, body), 200
    except _Refused as refused:
        answer, status = {"__type": refused.kind, "message": str(refused)}, 400
    await call.answer(status, JSON_1_1, json.dumps(answer).encode())


def _answer(state: RuntimeState, operation: str, body: bytes) -> dict[str, Any]:
    if operation == "DescribeEndpoint":
        return _describe(state, str(_parameters(body).get("EndpointName", "")))
    if operation == "ListEndpoints":
        return {"Endpoints": [_summary(state, each) for each in state.endpoints.values()]}
    raise _Refused(
        "UnknownOperationException",
        f"{operation or 'This operation'} is not answered here: `byo endpoint` is SageMaker's "
        "Runtime, with DescribeEndpoint and ListEndpoints beside it. Endpoints are made by "
        "`byo endpoint up`, and changed by `byo endpoint update`.",
    )


def _parameters(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _Refused("SerializationException", "The body is no JSON object.")
    return found


def _describe(state: RuntimeState, name: str) -> dict[str, Any]:
    endpoint = state.endpoints.get(name)
    if endpoint is None:
        arn = state.settings.place.endpoint_arn(name)
        raise _Refused("ValidationException", f'Could not find endpoint "{arn}".')
    total = sum(variant.weight for variant in endpoint.variants.values())
    reasons = [each.failure for each in endpoint.variants.values() if each.failure]
    return {
        **_summary(state, endpoint),
        "EndpointConfigName": name,
        "ProductionVariants": [
            {
                "VariantName": variant.name,
                "CurrentWeight": variant.weight,
                "DesiredWeight": variant.weight,
                "CurrentInstanceCount": int(variant.instance is not None),
                "DesiredInstanceCount": 1,
            }
            for variant in endpoint.variants.values()
        ],
        **({"FailureReason": "; ".join(reasons)[:1024]} if reasons and total else {}),
    }


def _summary(state: RuntimeState, endpoint: Endpoint) -> dict[str, Any]:
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": state.settings.place.endpoint_arn(endpoint.name),
        "EndpointStatus": endpoint.status,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
    }
