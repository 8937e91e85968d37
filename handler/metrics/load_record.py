"""How loading a model is counted: that it has begun, and how it ended."""

from __future__ import annotations

import time

from handler.metrics.layout import LOAD, OUTCOMES, OUTCOMES_AT
from handler.metrics.model_record import record_of


def begun(model: str) -> None:
    """A load has begun; where its process ends before more is told, it has died of it."""
    record_of(model).fields.loading_since = time.monotonic()


def loaded(model: str, seconds: float) -> None:
    """The model is there, which took so long."""
    record = record_of(model)
    record.observe(LOAD, seconds)
    record.fields.is_loaded = 1
    _ended(model, "loaded")


def failed(model: str, error: BaseException) -> None:
    """It can't be loaded, and why."""
    _ended(model, "no_memory" if isinstance(error, MemoryError) else "failed")


def _ended(model: str, outcome: str) -> None:
    record = record_of(model)
    record.count(OUTCOMES_AT + OUTCOMES.index(outcome))
    record.fields.loading_since = 0.0
