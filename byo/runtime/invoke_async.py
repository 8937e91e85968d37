"""`InvokeEndpointAsync`: the request is taken, and answered by an object later."""

from __future__ import annotations

import json
import time
import uuid

from byo.runtime.async_jobs import Job
from byo.runtime.calls import Call
from byo.runtime.invocations import RuntimeState
from byo.runtime.wire_errors import JSON, ValidationError
from byo.runtime.wire_fields import ASYNC, PREFIX, Fields, detected

FIELDS = Fields(ASYNC)
# The service model's limit of a body in the request itself.
MOST_INLINE = 128_000
TOO_LONG = (
    "Value at 'body' failed to satisfy constraint: Member must have length less than or equal to"
)


async def invoke_endpoint_async(state: RuntimeState, call: Call) -> None:
    """Answer ``POST /endpoints/{EndpointName}/async-invocations``, with 202.

    Raises:
        RuntimeFault: the request is not taken.
    """
    endpoint = state.endpoint(call.endpoint_name)
    given, headers = FIELDS.read(call.headers)
    if endpoint.jobs is None:
        raise ValidationError(
            f"Endpoint {endpoint.name} has no AsyncInferenceConfig: `byo endpoint up "
            "--async-output PLACE` gives it one."
        )
    body = await call.body(state.settings.max_body)
    place = given.get("InputLocation")
    if bool(body) == bool(place):
        raise ValidationError("Exactly one of Body and InputLocation must be given.")
    if len(body) > MOST_INLINE:
        raise ValidationError(detected([f"{TOO_LONG} {MOST_INLINE}"]))
    inference_id = given.get("InferenceId") or str(uuid.uuid4())
    name = _object_name(given, inference_id)
    locations = endpoint.jobs.submit(
        Job(
            inference_id,
            given,
            headers,
            body or None,
            place or "",
            name,
            time.monotonic(),
        )
    )
    headers = [
        (f"{PREFIX}{key}".lower().encode(), text.encode()) for key, text in locations.items()
    ]
    await call.answer(202, [JSON, *headers], json.dumps({"InferenceId": inference_id}).encode())


def _object_name(given: dict[str, str], inference_id: str) -> str:
    """The name of the object that takes the answer, below the output's place."""
    extension = given.get("S3OutputPathExtension", "").strip("/")
    parts = [
        *(extension.split("/") if extension else ()),
        given.get("Filename", f"{inference_id}.out"),
    ]
    if any(part in ("", ".", "..") for part in parts):
        raise ValidationError(
            f"S3OutputPathExtension {extension} has a part that no folder's name can be."
        )
    return "/".join(parts)
