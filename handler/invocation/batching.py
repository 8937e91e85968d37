"""Answering invocations that are ready at the same moment with as few predictions as possible.

Rows of different invocations share a prediction where that is sound: through the default
``predict_fn``, for a model of which every part is known to treat each row by itself, or a user's
own that says so by ``predict_fn.batchable = True``. What a model gives for several requests is at
first compared with what it gives for each, and nobody is answered by it before. What unlike
requests hold is never put together, and a fault in one is found by asking for each alone, so nobody
gets another one's error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from time import monotonic
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from handler.codecs.column_table import ColumnTable
from handler.invocation.compare_batched_answers import are_alike
from handler.invocation.invocation_progress import Invocation
from handler.invocation.pipeline import Pipeline
from handler.invocation.request_types import Response
from handler.metrics.model_record import UnreadRecord
from handler.metrics.stage_times import StageTimes
from handler.processes.invocation_time_limit import DeadlineExceeded

# A prediction for more rows than this gains nothing by more, and keeps the next ones waiting.
MOST_ROWS = 4096

# How many predictions for several requests are compared with those for each alone.
TRIALS = 4

logger = logging.getLogger(__name__)

Prepared = tuple[int, Invocation]


class Batcher:
    """Answers invocations of one model, together where it can be done.

    Args:
        pipeline: the model.
        times: where it is noted how long that took.
    """

    def __init__(self, pipeline: Pipeline, times: StageTimes | None = None) -> None:
        self._pipeline = pipeline
        self._times = times or StageTimes(UnreadRecord())
        self._together = pipeline.why_alone is None
        self._trials = TRIALS if pipeline.user.predict_fn is None else 0
        self._has_rows = False  # whether the model is known to give a row for each row
        self._most_rows = MOST_ROWS

    @property
    def is_together(self) -> bool:
        """Whether rows of different invocations may share a prediction."""
        return self._together

    def answer(self, invocations: Sequence[Invocation]) -> list[Response]:
        """The response to each; never raises for what a request or user code does."""
        if len(invocations) == 1 or not self._together:
            return [
                answer_alone(self._pipeline, self._times, invocation) for invocation in invocations
            ]
        began = monotonic()
        self._times.waited(invocations, began)
        responses: dict[int, Response] = {}
        prepared: list[Prepared] = []
        for number, invocation in enumerate(invocations):
            invocation.began_at = began
            failure = self._prepare(invocation)
            if failure is None:
                prepared.append((number, invocation))
            else:
                responses[number] = failure
        self._times.decoded(began, monotonic(), len(invocations))
        for group in _groups(prepared, self._most_rows):
            responses.update(self._predict(group))
        return [responses[number] for number in range(len(invocations))]

    def _prepare(self, invocation: Invocation) -> Response | None:
        pipeline = self._pipeline
        return pipeline.attempt(invocation, pipeline.prepare, bool(pipeline.user.input_fn))

    def _predict(self, group: Sequence[Prepared]) -> Iterable[tuple[int, Response]]:
        if len(group) == 1 or not self._together:
            return self._each_alone(group)
        if self._trials:
            return self._try(group)
        pipeline = self._pipeline
        rows = [invocation.data.shape[0] for _, invocation in group]
        began = monotonic()
        try:
            with pipeline.limit(pipeline.settings.timeout):
                merged = _merged([invocation.data for _, invocation in group])
                predictions = _split(pipeline.predict(merged), rows)
                if predictions is not None and not self._has_rows:
                    # Some give always as much, and it may just so happen to be as many.
                    alone = pipeline.predict(group[0][1].data, group[0][1].context)
                    self._has_rows = _split(alone, rows[:1]) is not None
                    predictions = predictions if self._has_rows else None
        except DeadlineExceeded as error:
            # Fewer might have been answered in time: the next ones will be fewer.
            self._most_rows = max(1, sum(rows) // len(group))
            self._times.predicted(began, monotonic(), len(group), sum(rows))
            return [(number, pipeline.timed_out(invocation, error)) for number, invocation in group]
        except (Exception, SystemExit):
            return self._each_alone(group)
        if predictions is None:
            self._together = False  # what the model gives can't be told apart by rows
            return self._each_alone(group)
        predicted = monotonic()
        answers = [
            (number, self._finish(invocation, prediction))
            for (number, invocation), prediction in zip(group, predictions, strict=True)
        ]
        self._times.predicted(began, predicted, len(group), sum(rows))
        self._times.encoded(predicted, monotonic(), len(group))
        return answers

    def _try(self, group: Sequence[Prepared]) -> Iterable[tuple[int, Response]]:
        """Answer each by itself, and see whether together they would be answered alike."""
        alone: list[Any] = []

        def predict(invocation: Invocation) -> Response:
            prediction = self._pipeline.predict(invocation.data, invocation.context)
            alone.append(prediction)
            return self._pipeline.finish(invocation, prediction)

        answers = [(number, self._alone(one, predict)) for number, one in group]
        if len(alone) == len(group):
            self._compare(group, alone)
        return answers

    def _compare(self, group: Sequence[Prepared], alone: Sequence[Any]) -> None:
        pipeline = self._pipeline
        rows = [invocation.data.shape[0] for _, invocation in group]
        try:
            with pipeline.limit(pipeline.settings.timeout):
                merged = _merged([invocation.data for _, invocation in group])
                together = _split(pipeline.predict(merged), rows)
        except DeadlineExceeded:
            self._most_rows = max(1, sum(rows) // len(group))
            return
        except (Exception, SystemExit):
            return  # whatever it is, it is found again where it matters to somebody
        if together is not None and all(map(are_alike, together, alone)):
            self._trials -= 1
            self._has_rows = True
            return
        self._together = False
        logger.warning(
            "rows of several requests were predicted otherwise together than alone: each request "
            "is predicted alone from now on"
        )

    def _each_alone(self, group: Sequence[Prepared]) -> Iterable[tuple[int, Response]]:
        return [(number, self._alone(invocation)) for number, invocation in group]

    def _alone(
        self, invocation: Invocation, step: Callable[[Invocation], Response] | None = None
    ) -> Response:
        began = monotonic()
        response = self._pipeline.attempt(invocation, step or self._pipeline.predict_and_finish)
        self._times.predicted_alone(invocation, began, monotonic())
        return response

    def _finish(self, invocation: Invocation, prediction: Any) -> Response:
        pipeline = self._pipeline
        return pipeline.attempt(
            invocation,
            lambda one: pipeline.finish(one, prediction),
            bool(pipeline.user.output_fn),
        )


def answer_alone(pipeline: Pipeline, times: StageTimes, invocation: Invocation) -> Response:
    """The response to an invocation that shares nothing with others, its times noted."""
    invocation.began_at = monotonic()
    response = pipeline.answer(invocation)
    invocation.ended_at = monotonic()
    times.answered(invocation)
    return response


def _groups(prepared: Sequence[Prepared], most: int) -> Iterator[list[Prepared]]:
    """Those whose data can be put together, not too many rows at a time, in order of arrival."""
    alike: dict[Hashable, list[Prepared]] = {}
    rows: dict[Hashable, int] = {}
    for number, invocation in prepared:
        kind = _kind(invocation.data)
        if kind is None or invocation.data.shape[0] >= most:
            yield [(number, invocation)]
            continue
        group = alike.setdefault(kind, [])
        if group and rows[kind] + invocation.data.shape[0] > most:
            yield group
            group = alike[kind] = []
        rows[kind] = (rows[kind] if group else 0) + invocation.data.shape[0]
        group.append((number, invocation))
    yield from alike.values()


def _kind(data: Any) -> Hashable | None:
    """What data must have in common to be put together; None for what stays alone.

    What a user's ``input_fn`` made may carry more than rows, which would be lost: the mask of a
    masked array, an index that means something.
    """
    kind = type(data)
    if kind is np.ndarray and data.ndim:
        return (kind, data.dtype, data.shape[1:])
    if kind is ColumnTable:
        return (kind, tuple(data.labels), tuple(_type_of(one.dtype) for one in data.columns))
    if kind is pd.DataFrame and _is_numbered(data):
        return (kind, tuple(data.columns), tuple(map(_type_of, data.dtypes)))
    if kind is pd.Series and _is_numbered(data):
        return (kind, data.name, _type_of(data.dtype))
    if sparse.issparse(data) and data.format == "csr":
        return (kind, data.dtype, data.shape[1])
    return None


def _type_of(dtype: Any) -> Hashable:
    """A column's type; categories are equal for pandas in whatever order, but not for a model."""
    return (dtype, tuple(dtype.categories)) if hasattr(dtype, "categories") else dtype


def _is_numbered(data: pd.DataFrame | pd.Series[Any]) -> bool:
    index = data.index
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def _merged(parts: Sequence[Any]) -> Any:
    first = parts[0]
    if isinstance(first, ColumnTable):
        return ColumnTable.merged(parts)
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    if isinstance(first, pd.DataFrame | pd.Series):
        concat: Any = pd.concat  # its types don't know that all parts are of one
        return concat(parts, ignore_index=True)
    return sparse.vstack(parts, format="csr")


def _split(prediction: Any, rows: Sequence[int]) -> list[Any] | None:
    """Each one's part of a prediction; None for what is not made of rows."""
    ends = np.cumsum(rows).tolist()
    spans = list(zip([0, *ends[:-1]], ends, strict=True))
    if isinstance(prediction, pd.DataFrame | pd.Series):
        if len(prediction) != ends[-1]:
            return None
        return [prediction.iloc[a:b].reset_index(drop=True) for a, b in spans]
    if sparse.issparse(prediction):
        prediction = prediction.tocsr()
    elif not isinstance(prediction, np.ndarray | list):
        return None
    count = len(prediction) if isinstance(prediction, list) else prediction.shape[0]
    return [prediction[a:b] for a, b in spans] if count == ends[-1] else None
