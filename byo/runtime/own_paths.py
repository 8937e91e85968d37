"""What the Runtime answers beside SageMaker's operations: its metrics, its state, its page.

    GET  /metrics            metrics, as Prometheus reads them
    GET  /ping               200 once all endpoints are in service, else 503
    GET  /-/state            all of the endpoints as JSON
    POST /-/update           another container for a variant: `byo endpoint update`
    GET  /, /FILE            the files of byo/runtime/page

What is under ``/-/`` is for this machine alone: a page of another site that a browser shows can't
ask it, as it refuses names of other hosts, and bodies that a form could send.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from byo.runtime import page, runtime_metrics
from byo.runtime.calls import Call, Message
from byo.runtime.invocations import RuntimeState
from byo.runtime.models import ModelCache
from byo.runtime.rolling_update import update
from byo.runtime.variant import Variant
from byo.runtime.wire_errors import JSON, MEGABYTE, ValidationError
from byo.served_container import Headers
from byo.served_container.kept_connection import first_value

OWN = (b"127.0.0.1", b"localhost", b"[::1]")
PAGE = Path(page.__file__).parent
INDEX = "index.html"

Answered = tuple[int, Headers, bytes]


async def answer_own_path(state: RuntimeState, scope: Message, call: Call) -> bool:
    """Answer a request that is none of SageMaker's operations.

    Returns:
        Whether there is such a path.

    Raises:
        ValidationError: it may not be asked so.
    """
    path, method = scope["path"], scope["method"]
    found = OWN_PATHS.get((method, path))
    if found is not None:
        if path.startswith("/-/"):
            _require_own_machine(call.headers)
        await call.answer(*await found(state, call))
        return True
    if method == "GET" and (file := _page_file(path)) is not None:
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        await call.answer(200, ((b"content-type", kind.encode()),), file.read_bytes())
        return True
    return False


async def _metrics(state: RuntimeState, call: Call) -> Answered:
    kind = runtime_metrics.CONTENT_TYPE.encode()
    return 200, ((b"content-type", kind),), state.metrics.text()


async def _ping(state: RuntimeState, call: Call) -> Answered:
    well = all(
        endpoint.status != "Failed" and endpoint.ready for endpoint in state.endpoints.values()
    )
    return 200 if well else 503, (), b""


async def _state(state: RuntimeState, call: Call) -> Answered:
    return 200, (JSON,), json.dumps(state_view(state)).encode()


async def _update(state: RuntimeState, call: Call) -> Answered:
    if first_value(call.headers, b"content-type") != b"application/json":
        raise ValidationError("The body of an update is application/json.")
    report = await update(state, json.loads(await call.body(MEGABYTE)))
    return 200, (JSON,), json.dumps(report).encode()


OWN_PATHS: dict[tuple[str, str], Callable[[RuntimeState, Call], Awaitable[Answered]]] = {
    ("GET", "/metrics"): _metrics,
    ("GET", "/ping"): _ping,
    ("GET", "/-/state"): _state,
    ("POST", "/-/update"): _update,
}


def state_view(state: RuntimeState) -> dict[str, Any]:
    """All that there is to show of a Runtime, as JSON's types."""
    return {
        "endpoints": [
            {
                "name": endpoint.name,
                "status": endpoint.status,
                "created": endpoint.created,
                "modified": endpoint.modified,
                "sessions": len(endpoint.sessions),
                "variants": [_variant_view(variant) for variant in endpoint.variants.values()],
            }
            for endpoint in state.endpoints.values()
        ],
        "max_body": state.settings.max_body,
        "invocation_seconds": state.settings.invocation_seconds,
    }


def _variant_view(variant: Variant) -> dict[str, Any]:
    instance, configuration = variant.instance, variant.configuration
    return {
        "name": variant.name,
        "weight": variant.weight,
        "state": variant.state.value,
        "failure": variant.failure,
        "model_data": configuration.model_data,
        "multi_model": configuration.multi_model,
        "image": configuration.image,
        "container": instance.container.url if instance else None,
        "log": str(instance.container.log) if instance and instance.container.log else None,
        "under_way": instance.under_way if instance else 0,
        "invocations": variant.metrics.total,
        "failed": variant.metrics.failed,
        **(_models_view(instance.cache) if instance and instance.cache else {}),
    }


def _models_view(cache: ModelCache) -> dict[str, Any]:
    return {
        "models": [{**asdict(model), "state": model.state.value} for model in cache.snapshot()],
        "memory": cache.memory,
        "disk": cache.disk,
    }


def _require_own_machine(headers: Headers) -> None:
    """Refuse what a browser was led here for, by a name of another site."""
    host = (first_value(headers, b"host") or b"").rsplit(b":", 1)[0]
    if host not in OWN:
        raise ValidationError("What is under /-/ is asked by 127.0.0.1 or localhost alone.")


def _page_file(path: str) -> Path | None:
    """The file of the page that a path means, if there is one; never a program or a folder."""
    name = path.removeprefix("/") or INDEX
    file = PAGE / name
    return file if "/" not in name and file.is_file() and file.suffix != ".py" else None
