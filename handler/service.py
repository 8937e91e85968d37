"""What multi-model-server's own worker loads: ``handle(data, context)``, in function style.

A function, not a class: MMS logs and drops what a class's ``initialize`` raises and then serves
a model that is not there, while an exception of a function at load time fails the load.
"""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

from contract import container_log
from contract.settings import ServingSettings
from handler.host import model_load_reporting, out_of_memory
from handler.host.one_model import MODEL_DIR_VARIABLE
from handler.invocation.batching import answer_alone
from handler.invocation.context import report, request_of
from handler.invocation.failure_log import log_users_failure
from handler.invocation.invocation_progress import Invocation
from handler.invocation.pipeline import Pipeline
from handler.invocation.request_types import TOLD, headers_of
from handler.metrics.answered import Answered
from handler.metrics.model_record import UnreadRecord, record_of
from handler.metrics.stage_times import StageTimes
from handler.protocol.wire_format import ARRIVED, time_of

# One process holds one model: MMS forks a worker for each connection.
_pipeline: Pipeline | None = None
_times = StageTimes(UnreadRecord())
_answered: Answered | None = None


def handle(data: list[dict[str, Any]] | None, context: Any) -> list[bytes] | None:
    """Load the model if data is None, as MMS calls at load time; else answer each request.

    Raises:
        ByoError: at load time only: the model can't be loaded.
    """
    global _pipeline, _times, _answered
    if data is None:
        _pipeline = _load(context)
        name = context.model_name
        _times = StageTimes(record_of(name))
        _answered = Answered(name, traces=_pipeline.settings.traces)
        return None
    if _pipeline is None:
        raise RuntimeError("an invocation came before the model was loaded")
    return [_answer(_pipeline, parts, context, index) for index, parts in enumerate(data)]


def _load(context: Any) -> Pipeline:
    settings = ServingSettings.from_environ(os.environ)
    container_log.configure(settings.log_level)
    model_dir = Path(context.system_properties["model_dir"])
    os.environ.setdefault(MODEL_DIR_VARIABLE, str(model_dir))
    try:
        return model_load_reporting.load(context.model_name, model_dir, settings, context)
    except MemoryError:
        backend = multiprocessing.parent_process()
        if backend is not None and backend.pid is not None:
            out_of_memory.end_executed_process(backend.pid)
        raise


def _answer(pipeline: Pipeline, parts: dict[str, Any], context: Any, index: int) -> bytes:
    sent = context.get_all_request_header(index)
    arrived_at = time_of(sent.pop(ARRIVED.decode(), "").encode())
    headers = headers_of(sent)
    request = request_of(parts, headers, context.get_request_id(index))
    invocation = Invocation(request, context, arrived_at=arrived_at)
    response = answer_alone(pipeline, _times, invocation)
    report(response, context, index)
    status, _ = context.get_response_status(index)
    if status >= 400:
        if not response.is_told:
            log_users_failure(request.request_id, status)
        for name, value in TOLD.items():
            context.set_response_header(index, name, value)
    if _answered is not None:
        measured = context.metrics.store if context.metrics else ()
        _answered.note(invocation, measured, headers, request.request_id, response.status)
    return response.body
