"""Where the time of invocations went, noted once they are answered.

The steps of invocations that are answered together are steps of all of them: each counts with the
step's whole time, which is what its caller waited for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from handler.metrics.layout import DECODE, ENCODE, PREDICT, QUEUE, ROWS
from handler.metrics.model_record import ModelRecord


class Progress(Protocol):
    """What an invocation knows of itself: see `Invocation`."""

    arrived_at: float
    began_at: float
    decoded_at: float
    predicted_at: float
    ended_at: float
    data: Any


class StageTimes:
    """The times of one model's invocations in this process; all are of `time.monotonic`.

    Args:
        record: where they are noted.
    """

    def __init__(self, record: ModelRecord) -> None:
        self._observe = record.observe
        self._observe_each = record.observe_each

    def waited(self, those: Sequence[Progress], until: float) -> None:
        """Invocations were begun with."""
        # Of those that the guard has told the time of.
        self._observe_each(
            QUEUE, [until - one.arrived_at for one in those if 0 < one.arrived_at <= until]
        )

    def decoded(self, since: float, until: float, number: int) -> None:
        """So many were decoded, one after the other."""
        self._observe(DECODE, until - since, number)

    def predicted(self, since: float, until: float, number: int, rows: int) -> None:
        """So many got one prediction, for so many rows."""
        self._observe(PREDICT, until - since, number)
        self._observe(ROWS, rows)

    def encoded(self, since: float, until: float, number: int) -> None:
        """So many were encoded, one after the other."""
        self._observe(ENCODE, until - since, number)

    def answered(self, one: Progress) -> None:
        """An invocation was answered by itself, be it with an error."""
        self.waited((one,), one.began_at)
        self._observe(DECODE, (one.decoded_at or one.ended_at) - one.began_at)
        if one.decoded_at:
            self.predicted_alone(one, one.decoded_at, one.ended_at)

    def predicted_alone(self, one: Progress, since: float, until: float) -> None:
        """What was decoded was predicted and encoded by itself, be it with an error."""
        self._observe(PREDICT, (one.predicted_at or until) - since)
        rows = _rows(one.data)
        if rows is not None:
            self._observe(ROWS, rows)
        if one.predicted_at:
            self._observe(ENCODE, until - one.predicted_at)


def _rows(data: Any) -> int | None:
    """The rows of what a model is given; None of what user code has made of them."""
    if isinstance(data, list):
        return len(data)
    try:
        return int(data.shape[0])
    except (AttributeError, IndexError, TypeError, ValueError):
        return None
