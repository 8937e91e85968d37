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
        self._record = record  # held, as its memory is what is written to
        self._queue = record.observer(QUEUE)
        self._decode = record.observer(DECODE)
        self._predict = record.observer(PREDICT)
        self._encode = record.observer(ENCODE)
        self._batch = record.observer(ROWS)

    def waited(self, those: Sequence[Progress], until: float) -> None:
        """Invocations were begun with."""
        for one in those:
            arrived = one.arrived_at
            if 0 < arrived <= until:  # the guard has told the time
                self._queue(until - arrived)

    def decoded(self, since: float, until: float, number: int) -> None:
        """So many were decoded, one after the other."""
        self._decode(until - since, number)

    def predicted(self, since: float, until: float, number: int, rows: int) -> None:
        """So many got one prediction, for so many rows."""
        self._predict(until - since, number)
        self._batch(rows)

    def encoded(self, since: float, until: float, number: int) -> None:
        """So many were encoded, one after the other."""
        self._encode(until - since, number)

    def answered(self, one: Progress) -> None:
        """An invocation was answered by itself, be it with an error."""
        began, decoded, ended = one.began_at, one.decoded_at, one.ended_at
        self.waited((one,), began)
        self._decode((decoded or ended) - began)
        if decoded:
            self.predicted_alone(one, decoded, ended)

    def predicted_alone(self, one: Progress, since: float, until: float) -> None:
        """What was decoded was predicted and encoded by itself, be it with an error."""
        predicted = one.predicted_at
        self._predict((predicted or until) - since)
        rows = _rows(one.data)
        if rows is not None:
            self._batch(rows)
        if predicted:
            self._encode(until - predicted)


def _rows(data: Any) -> int | None:
    """The rows of what a model is given; None of what user code has made of them."""
    if isinstance(data, list):
        return len(data)
    try:
        return int(data.shape[0])
    except (AttributeError, IndexError, TypeError, ValueError):
        return None
