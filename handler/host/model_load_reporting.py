"""Loads a model, and tells the log and the supervisor how that went."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contract import json_output
from contract.errors import ByoError, ModelLoadError, UserCodeError
from contract.log_context import AT_WORK
from contract.requirements.pip_run import without_credentials
from contract.requirements.requirement_lines import FILE_NAME
from contract.requirements.what_is_lacking import unmet
from contract.settings import ServingSettings
from contract.user_module import describe
from handler.host.load_memory import LoadMemory
from handler.host.out_of_memory import NO_MEMORY, NotEnoughMemory
from handler.invocation.pipeline import Limit, Pipeline
from handler.invocation.pipeline_loading import load_pipeline
from handler.metrics import load_record, traces
from handler.processes import model_load_events
from handler.processes.invocation_time_limit import deadline
from handler.processes.memory_notes import MemoryNotes

logger = logging.getLogger(__name__)


def load(
    name: str,
    model_dir: Path,
    settings: ServingSettings,
    context: Any,
    limit: Limit = deadline,
    *,
    is_served: bool = False,
    has_neighbours: bool = False,
    starting: int = 0,
) -> Pipeline:
    """Load a model, and tell the log and the supervisor how it went.

    Args:
        name, model_dir, settings, context, limit: which model, and as for `load_pipeline`.
        is_served: whether another process has it, and goes on with it if this load fails.
        has_neighbours, starting: as for `LoadMemory`.

    Raises:
        ByoError, MemoryError: as `load_pipeline`, and in place of anything else.
    """
    AT_WORK.model = name
    pid, start = os.getpid(), time.monotonic()
    load_record.begun(name)
    if not is_served:
        model_load_events.send(model_load_events.Loading(pid, name))
    if settings.multi_model:
        _name_what_is_not_installed(name, model_dir / "code" / FILE_NAME)
    notes = MemoryNotes.of_this_process()
    memory = LoadMemory(name, notes, has_neighbours=has_neighbours, starting=starting)
    try:
        if is_served and not settings.multi_model:
            _require_installed(settings.code_directories(model_dir))
        if settings.traces:
            traces.require_installed()
        pipeline = load_pipeline(model_dir, settings, context, limit, memory.weigh)
    except BaseException as raised:
        error = memory.failed(raised)
        reason = _reason(error)
        load_record.failed(name, error)
        # What was weighed and refused has no place in anybody's code.
        trace = None if isinstance(raised, NotEnoughMemory) else error
        logger.error("model %r can't be loaded: %s", name, reason, exc_info=trace)
        if is_served:
            logger.error("model %r goes on as it was loaded before, not anew: %s", name, reason)
        else:
            model_load_events.send(model_load_events.LoadFailed(pid, name, reason))
        if isinstance(error, ByoError | MemoryError):
            if error is raised:
                raise
            raise error from raised
        raise ModelLoadError(reason) from error
    seconds = time.monotonic() - start
    memory.loaded()
    json_output.finish()
    load_record.loaded(name, seconds)
    logger.info("model %r loaded in %.2f s", name, seconds)
    model_load_events.send(model_load_events.Loaded(pid, name, seconds))
    return pipeline


def _reason(error: BaseException) -> str:
    """Why a load failed, in one line."""
    if isinstance(error, ByoError):
        return str(error)
    if isinstance(error, NotEnoughMemory):
        return str(error)
    if isinstance(error, MemoryError):
        return f"{NO_MEMORY} ({describe(error)})" if error.args else NO_MEMORY
    return describe(error)


def _require_installed(directories: Sequence[Path]) -> None:
    """What code asks for is installed when the server starts, and not when a model is loaded anew.

    Raises:
        UserCodeError: it asks for more than there is by now.
    """
    for file in (directory / FILE_NAME for directory in directories):
        missing = unmet(file)
        if missing:
            lines = ", ".join(map(without_credentials, missing))
            raise UserCodeError(
                f"{file} asks for more than is installed, which needs a restart of the server: "
                f"{lines}"
            )


def _name_what_is_not_installed(name: str, file: Path) -> None:
    """Of many models none has packages of its own: what one asks for may be missing."""
    missing = unmet(file)
    if missing:
        lines = ", ".join(map(without_credentials, missing))
        logger.warning(
            "model %r: %s is not installed, as many models share one environment: put what it "
            "asks for into the image (%s)",
            name,
            file,
            lines,
        )
