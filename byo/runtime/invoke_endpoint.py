"""`InvokeEndpoint`: one request, one answer."""

from __future__ import annotations

import logging

from byo.runtime.calls import Call
from byo.runtime.invocations import (
    VARIANT_HEADER,
    RuntimeState,
    ask,
    check_target,
    note_sessions,
)
from byo.runtime.wire_errors import MEGABYTE
from byo.runtime.wire_fields import ANSWERED, INVOKE, Fields

log = logging.getLogger(__name__)
FIELDS = Fields(INVOKE)
AWS_MOST = 6 * MEGABYTE


async def invoke_endpoint(state: RuntimeState, call: Call) -> None:
    """Answer ``POST /endpoints/{EndpointName}/invocations``.

    Raises:
        RuntimeFault: what is answered in place of a prediction.
    """
    endpoint = state.endpoint(call.endpoint_name)
    given, headers = FIELDS.read(call.headers)
    variant = endpoint.variant_for(given)
    check_target(endpoint, variant, given, call)
    body = await call.body(state.settings.max_body)
    answer, instance = await ask(
        state,
        endpoint,
        variant,
        given,
        headers,
        body,
        started=call.started,
        timeout=state.settings.invocation_seconds,
    )
    if "SessionId" in given:
        note_sessions(endpoint, variant, instance, answer.headers)
    if len(answer.body) > AWS_MOST:
        log.warning(
            "endpoint %s: an answer of %d bytes; AWS documents 6 MB",
            endpoint.name,
            len(answer.body),
        )
    kept = [header for header in answer.headers if header[0] in ANSWERED]
    kept.append((VARIANT_HEADER, variant.name.encode()))
    await call.answer(200, kept, answer.body)
