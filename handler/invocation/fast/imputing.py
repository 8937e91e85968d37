"""Imputers: what stands for a missing value."""

from __future__ import annotations

from typing import Any

import numpy as np

from handler.invocation.fast.estimators import Methods, Survey, known
from handler.invocation.fast.values import Array, Elsewhere, Table, Values, as_array, converted


@known("impute._base.SimpleImputer")
def _simple(model: Any, survey: Survey) -> Methods:
    missing, statistics = model.missing_values, model.statistics_
    if not (isinstance(missing, float) and missing != missing) or model.copy is not True:
        raise LookupError
    if any(value != value for value in statistics.tolist()):
        raise LookupError  # a column of nothing, of which the library warns
    indicator = getattr(model, "indicator_", None)
    if model._fit_dtype.kind == "O":
        if indicator is not None:
            raise LookupError
        return {"transform": _objects(statistics, survey)}
    if model._fit_dtype != np.float64:
        raise LookupError
    keeps_type = model.strategy in ("most_frequent", "constant")
    fill = statistics.astype(np.float64)

    def transform(values: Values) -> Array:
        numbers = as_array(values)
        if numbers.dtype != np.float64 and keeps_type:
            raise Elsewhere
        numbers = converted(numbers)
        mask = np.isnan(numbers)
        if mask.any():
            survey.notes |= Survey.MISSING
            numbers = numbers.copy(order="K")
            np.copyto(numbers, fill, where=mask)
        return numbers if indicator is None else _beside(numbers, mask, indicator.features_)

    return {"transform": transform}


def _beside(numbers: Array, mask: Array, features: Array) -> Array:
    """Numbers with columns beside them that say which were missing."""
    if features.size < mask.shape[1]:
        mask = mask[:, features]
    return np.hstack((numbers, mask))


def _objects(statistics: Array, survey: Survey) -> Any:
    fills = statistics.tolist()

    def transform(values: Values) -> Table:
        if not isinstance(values, Table):
            raise Elsewhere
        columns = []
        for position, fill in enumerate(fills):
            given = values.column(position).tolist()
            column = np.empty(values.rows, dtype=object)
            column[:] = [fill if value != value else value for value in given]
            if any(value != value for value in given):
                survey.notes |= Survey.MISSING
            columns.append(column)
        return Table(columns, values.rows)

    return transform
