"""Answering invocations that are ready at the same moment with as few predictions as possible.

Rows of different invocations share a prediction where that is sound: through the default
``predict_fn``, whose models treat each row by itself, or a user's own that says so by
``predict_fn.batchable = True``. What unlike requests hold is never put together, and a fault in
one is found by asking for each alone, so nobody gets another one's error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from handler.invocation.pipeline import Invocation, Pipeline
from handler.invocation.request_types import Response
from handler.processes.invocation_time_limit import DeadlineExceeded

# A prediction for more rows than this gains nothing by more, and keeps the next ones waiting.
MOST_ROWS = 4096

# Of scikit-learn's own, these alone let rows matter to each other: their transform stops when all
# rows together have come close enough.
MIXING_ROWS = {"NMF", "MiniBatchNMF"}

Prepared = tuple[int, Invocation]


class Batcher:
    """Answers invocations of one model, together where it can be done."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        user = pipeline.user
        if user.predict_fn is None:
            self._together = not (user.transform_fn or _mixes_rows(pipeline.model))
        else:
            self._together = user.batchable
        self._has_rows = False  # whether the model is known to give a row for each row
        self._most_rows = MOST_ROWS

    @property
    def is_together(self) -> bool:
        """Whether rows of different invocations may share a prediction."""
        return self._together

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
        for group in _groups(prepared, self._most_rows):
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
                if predictions is not None and not self._has_rows:
                    # Some give always as much, and it may just so happen to be as many.
                    alone = pipeline.predict(group[0][1].data, group[0][1].context)
                    self._has_rows = _split(alone, rows[:1]) is not None
                    predictions = predictions if self._has_rows else None
        except DeadlineExceeded:
            # Fewer might have been answered in time: the next ones will be fewer.
            self._most_rows = max(1, sum(rows) // len(group))
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


def _mixes_rows(model: Any) -> bool:
    """Whether a row's prediction depends on the rows beside it."""
    parts = [model]
    with contextlib.suppress(Exception):  # not every class keeps to scikit-learn's rules
        parts += model.get_params().values()
    return any(type(part).__name__ in MIXING_ROWS for part in parts)


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
    if kind is pd.DataFrame and _is_numbered(data):
        return (kind, tuple(data.columns), tuple(data.dtypes))
    if kind is pd.Series and _is_numbered(data):
        return (kind, data.name, data.dtype)
    if sparse.issparse(data) and data.format == "csr":
        return (kind, data.dtype, data.shape[1])
    return None


def _is_numbered(data: pd.DataFrame | pd.Series[Any]) -> bool:
    index = data.index
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


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
