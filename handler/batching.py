"""Answering invocations that are ready at the same moment with as few predictions as possible.

Rows of different invocations share a prediction where that is sound: through the default
``predict_fn``, whose models treat each row by itself, or a user's own that says so by
``predict_fn.batchable = True``. What unlike requests hold is never put together, and a fault in
one is found by asking for each alone, so nobody gets another one's error.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from handler.deadline import DeadlineExceeded
from handler.messages import Response
from handler.pipeline import Invocation, Pipeline

# A prediction for more rows than this gains nothing by more, and keeps the next ones waiting.
MOST_ROWS = 4096

Prepared = tuple[int, Invocation]


class Batcher:
    """Answers invocations of one model, together where it can be done."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        user = pipeline.user
        self._together = not user.transform_fn and (user.predict_fn is None or user.batchable)

    def answer(self, invocations: Sequence[Invocation]) -> list[Response]:
        """The response to each; never raises for what a request or user code does."""
        if len(invocations) == 1 or not self._together:
            return [self._pipeline.answer(invocation) for invocation in invocations]
        responses: dict[int, Response] = {}
        prepared: list[Prepared] = []
        for number, invocation in enumerate(invocations):
            failure = self._prepare(invocation)
            if failure is None:
                prepared.append((number, invocation))
            else:
                responses[number] = failure
        for group in _groups(prepared):
            responses.update(self._predict(group))
        return [responses[number] for number in range(len(invocations))]

    def _prepare(self, invocation: Invocation) -> Response | None:
        pipeline = self._pipeline
        return pipeline.attempt(invocation, pipeline.prepare, bool(pipeline.user.input_fn))

    def _predict(self, group: Sequence[Prepared]) -> Iterable[tuple[int, Response]]:
        if len(group) == 1:
            return self._each_alone(group)
        pipeline = self._pipeline
        rows = [invocation.data.shape[0] for _, invocation in group]
        try:
            with pipeline.limit(pipeline.settings.timeout):
                merged = _merged([invocation.data for _, invocation in group])
                predictions = _split(pipeline.predict(merged), rows)
        except DeadlineExceeded:
            return [(number, pipeline.timed_out(invocation)) for number, invocation in group]
        except (Exception, SystemExit):
            return self._each_alone(group)
        if predictions is None:
            self._together = False  # what the model gives can't be told apart by rows
            return self._each_alone(group)
        return [
            (number, self._finish(invocation, prediction))
            for (number, invocation), prediction in zip(group, predictions, strict=True)
        ]

    def _each_alone(self, group: Sequence[Prepared]) -> Iterable[tuple[int, Response]]:
        return [(number, self._alone(invocation)) for number, invocation in group]

    def _alone(self, invocation: Invocation) -> Response:
        return self._pipeline.attempt(invocation, self._pipeline.predict_and_finish)

    def _finish(self, invocation: Invocation, prediction: Any) -> Response:
        pipeline = self._pipeline
        return pipeline.attempt(
            invocation,
            lambda one: pipeline.finish(one, prediction),
            bool(pipeline.user.output_fn),
        )


def _groups(prepared: Sequence[Prepared]) -> Iterator[list[Prepared]]:
    """Those whose data can be put together, not too many rows at a time, in order of arrival."""
    alike: dict[Hashable, list[Prepared]] = {}
    rows: dict[Hashable, int] = {}
    for number, invocation in prepared:
        kind = _kind(invocation.data)
        if kind is None or invocation.data.shape[0] >= MOST_ROWS:
            yield [(number, invocation)]
            continue
        group = alike.setdefault(kind, [])
        if group and rows[kind] + invocation.data.shape[0] > MOST_ROWS:
            yield group
            group = alike[kind] = []
        rows[kind] = (rows[kind] if group else 0) + invocation.data.shape[0]
        group.append((number, invocation))
    yield from alike.values()


def _kind(data: Any) -> Hashable | None:
    """What data must have in common to be put together; None for what stays alone."""
    if isinstance(data, np.ndarray) and data.ndim:
        return ("array", data.dtype, data.shape[1:])
    if isinstance(data, pd.DataFrame):
        return ("table", tuple(data.columns), tuple(data.dtypes))
    if isinstance(data, pd.Series):
        return ("series", data.name, data.dtype)
    if sparse.issparse(data) and data.format == "csr":
        return ("sparse", data.dtype, data.shape[1])
    return None


def _merged(parts: Sequence[Any]) -> Any:
    first = parts[0]
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
