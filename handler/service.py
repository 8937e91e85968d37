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
from handler.invocation.context import report, request_of
from handler.invocation.failure_log import log_users_failure
from handler.invocation.pipeline import Pipeline
from handler.invocation.request_types import TOLD, headers_of

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
    headers = headers_of(context.get_all_request_header(index))
    request = request_of(parts, headers, context.get_request_id(index))
    response = pipeline.invoke(request, context)
    report(response, context, index)
    status, _ = context.get_response_status(index)
    if status >= 400:
        if not response.is_told:
            log_users_failure(request.request_id, status)
        for name, value in TOLD.items():
            context.set_response_header(index, name, value)
    return response.body
