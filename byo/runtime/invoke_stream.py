"""`InvokeEndpointWithResponseStream`: the container's answer as it comes, in an event stream."""

from __future__ import annotations

import time
from contextlib import AbstractAsyncContextManager

from byo.runtime import event_stream
from byo.runtime.calls import Call
from byo.runtime.endpoint import Endpoint
from byo.runtime.invocations import (
    VARIANT_HEADER,
    RuntimeState,
    broken_off,
    check_target,
    container_error,
)
from byo.runtime.variant import Variant
from byo.runtime.wire_errors import TIMED_OUT, ModelError, ValidationError
from byo.runtime.wire_fields import CONTENT_TYPE, CUSTOM_ATTRIBUTES, STREAM, Fields
from byo.served_container import Answer, ContainerUnreachable, Incoming

FIELDS = Fields(STREAM)
ANSWERED_TYPE = b"x-amzn-sagemaker-content-type"
# AWS's own codes of a ModelStreamError.
TOO_LATE, BROKEN = "ModelInvocationTimeExceeded", "StreamBroken"


async def invoke_endpoint_with_response_stream(state: RuntimeState, call: Call) -> None:
    """Answer ``POST /endpoints/{EndpointName}/invocations-response-stream``.

    Raises:
        RuntimeFault: what is answered in place of a stream.
    """
    endpoint = state.endpoint(call.endpoint_name)
    given, headers = FIELDS.read(call.headers)
    variant = endpoint.variant_for(given)
    if variant.configuration.multi_model:
        raise ValidationError(
            f"Endpoint {endpoint.name} is a multi-model endpoint, and a stream has no target model "
            "header: use InvokeEndpoint."
        )
    check_target(endpoint, variant, given, call)
    body = await call.body(state.settings.max_body)
    stream = _Stream(state, call, endpoint, variant)
    try:
        await stream.answer(variant.stream(headers, body, state.settings.invocation_seconds))
    finally:
        stream.count()


class _Stream:
    """One answer on its way: errors are HTTP's until it has begun, and within it from then on."""

    def __init__(
        self, state: RuntimeState, call: Call, endpoint: Endpoint, variant: Variant
    ) -> None:
        self._state = state
        self._call = call
        self._endpoint = endpoint
        self._variant = variant
        self._sent = time.perf_counter()
        self._begun = False
        self._status = 0

    async def answer(self, opening: AbstractAsyncContextManager[Incoming]) -> None:
        try:
            async with opening as incoming:
                await self._pass_on(incoming)
        except TimeoutError:
            await self._fail(TIMED_OUT, TOO_LATE)
        except ContainerUnreachable as error:
            await self._fail(broken_off(self._endpoint, self._variant, error), BROKEN)
        await self._call.send({"type": "http.response.body", "body": b""})

    async def _pass_on(self, incoming: Incoming) -> None:
        if not 200 <= incoming.status < 300:
            text = b"".join([chunk async for chunk in incoming.chunks])
            self._status = incoming.status
            raise container_error(
                self._state, self._endpoint, Answer(incoming.status, incoming.headers, text)
            )
        headers = [
            (b"content-type", event_stream.CONTENT_TYPE),
            (VARIANT_HEADER, self._variant.name.encode()),
        ]
        for name, value in incoming.headers:
            if name == CONTENT_TYPE:
                headers.append((ANSWERED_TYPE, value))
            elif name == CUSTOM_ATTRIBUTES:
                headers.append((name, value))
        await self._call.start_answer(200, headers)
        self._begun = True
        async for chunk in incoming.chunks:
            await self._send(event_stream.payload_part(chunk))
        self._status = incoming.status

    async def _fail(self, message: str, code: str) -> None:
        if not self._begun:
            raise ModelError(self._endpoint.name, self._state.settings.place, 0, message)
        members = {"Message": message, "ErrorCode": code}
        await self._send(event_stream.exception("ModelStreamError", members))

    async def _send(self, message: bytes) -> None:
        await self._call.send({"type": "http.response.body", "body": message, "more_body": True})

    def count(self) -> None:
        """Count the invocation, which has ended."""
        ended = time.perf_counter()
        self._variant.metrics.answered(self._status, ended - self._sent, ended - self._call.started)
