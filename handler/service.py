"""What multi-model-server loads: ``handle(data, context)``, in function style.

The only file that sees an MMS context. A function, not a class: MMS logs and drops what a
class's ``initialize`` raises and then serves a model that is not there, while an exception of
a function at load time fails the load.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any

from contract.errors import ByoError
from contract.settings import ServingSettings
from handler import events, inflight
from handler.messages import Request, Response, headers_of
from handler.pipeline import Pipeline

logger = logging.getLogger("byo")

REAP_SECONDS = 5.0

# One process holds one model: MMS forks a worker for each connection.
_pipeline: Pipeline | None = None


def handle(data: list[dict[str, Any]] | None, context: Any) -> list[bytes] | None:
    """Load the model if data is None, as MMS calls at load time; else answer each request.

    Raises:
        ByoError: at load time only: the model can't be loaded.
    """
    global _pipeline
    if data is None:
        _pipeline = _load(context)
        return None
    if _pipeline is None:
        raise RuntimeError("an invocation came before the model was loaded")
    with inflight.working():
        return [_answer(_pipeline, item, context, index) for index, item in enumerate(data)]


def _load(context: Any) -> Pipeline:
    settings = ServingSettings.from_environ(os.environ)
    _configure_logging(settings.log_level)
    inflight.open_lock()
    model_dir = Path(context.system_properties["model_dir"])
    name, pid, start = context.model_name, os.getpid(), time.monotonic()
    events.send(events.Loading(pid, name))
    try:
        pipeline = Pipeline.load(model_dir, settings, context)
    except (ByoError, MemoryError) as error:
        reason = str(error) or "there is not enough memory to load the model"
        logger.error("model %r can't be loaded: %s", name, reason, exc_info=error)
        events.send(events.LoadFailed(pid, name, reason))
        if isinstance(error, MemoryError):
            _end_backend()
        raise
    seconds = time.monotonic() - start
    logger.info("model %r loaded in %.2f s", name, seconds)
    events.send(events.Loaded(pid, name, seconds))
    return pipeline


def _end_backend() -> None:
    """End the process that the frontend started for this model, as the kernel would.

    For a MemoryError the stock worker answers LOAD with 507, as it should, but the frontend
    then keeps the model registered without a worker, and every further LOAD is a 409. It
    forgets the model if by then the process that it started has ended.
    """
    backend = multiprocessing.parent_process()
    if backend is None or backend.pid is None:
        return
    os.kill(backend.pid, signal.SIGKILL)
    deadline = time.monotonic() + REAP_SECONDS
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(backend.pid, 0)  # until the frontend has noticed, and it is no zombie
            time.sleep(0.01)


def _answer(pipeline: Pipeline, item: dict[str, Any], context: Any, index: int) -> bytes:
    headers = headers_of(context.get_all_request_header(index))
    response = pipeline.invoke(
        Request(
            body=_body_of(item),
            content_type=headers.get("content-type"),
            accept=headers.get("accept"),
            content_encoding=headers.get("content-encoding"),
            request_id=context.get_request_id(index) or "-",
        ),
        context,
    )
    _report(response, context, index)
    return response.body


def _body_of(item: dict[str, Any]) -> bytes:
    # MMS takes forms apart into named parts; a body that is one payload is named "body".
    body = item.get("body", b"")
    return body.encode() if isinstance(body, str) else bytes(body)


def _report(response: Response, context: Any, index: int) -> None:
    """Set status and content type, but for what user code set through the context itself."""
    well = response.status == HTTPStatus.OK
    if not (well and context.get_response_content_type(index)):
        context.set_response_content_type(index, response.content_type)
    set_status, _ = context.get_response_status(index)
    if not (well and set_status != HTTPStatus.OK):
        context.set_response_status(response.status, response.reason, index)


def _configure_logging(level: int) -> None:
    """Log to the stream that MMS reads, in its format; MMS stamps time and worker."""
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    logger.setLevel(level)
