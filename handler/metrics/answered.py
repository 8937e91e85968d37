"""What is noted of an invocation once it is answered: what user code measured, and its spans."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from handler.metrics.model_record import record_of
from handler.metrics.traces import Timed, Traces
from handler.metrics.user_figures import UserFigures

logger = logging.getLogger(__name__)


class Answered:
    """Notes the answered invocations of one model in this process.

    Args:
        model: the model's name.
        traces: whether spans are made.
    """

    def __init__(self, model: str, *, traces: bool) -> None:
        self._figures = UserFigures(record_of(model))
        self._traces = Traces(model) if traces else None

    def note(
        self,
        invocation: Timed,
        measured: Iterable[Any],
        headers: Mapping[str, str],
        request_id: str,
        status: int,
    ) -> None:
        """Note one; never raises, whatever user code has made of what it measures.

        Args:
            invocation: the invocation.
            measured: what user code measured.
            headers: the request's, by lower-case name.
            request_id: the frontend's name for it.
            status: what it was answered with.
        """
        try:
            self._figures.note(measured)
            if self._traces is not None:
                self._traces.note(invocation, headers, request_id, status)
        except Exception as error:
            logger.warning("[%s] what it was can't be noted", request_id, exc_info=error)
