"""botocore's own model of the Runtime, which the tests hold ours against."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.model import OperationModel, ServiceModel, Shape

OPERATIONS = ("InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream")


@cache
def service() -> ServiceModel:
    return botocore.session.get_session().get_service_model("sagemaker-runtime")


def operation(name: str) -> OperationModel:
    return service().operation_model(name)


def header_members(name: str) -> Iterator[tuple[str, Shape]]:
    """The parameters of an operation that travel as headers."""
    shape = operation(name).input_shape
    for member, its_shape in shape.members.items():
        if its_shape.serialization.get("location") == "header":
            yield member, its_shape


def method_name(name: str) -> str:
    """The method of a client for an operation."""
    return {
        "InvokeEndpoint": "invoke_endpoint",
        "InvokeEndpointAsync": "invoke_endpoint_async",
        "InvokeEndpointWithResponseStream": "invoke_endpoint_with_response_stream",
    }[name]


def least_parameters(name: str) -> dict[str, Any]:
    """Parameters that an operation takes."""
    return {"EndpointName": "birds", "Body": b"1,2"}
