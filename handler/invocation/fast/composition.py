"""Estimators made of others, one behind or beside the other: pipelines and column transformers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from handler.invocation.fast.estimators import Methods, Survey, known
from handler.invocation.fast.values import (
    Array,
    Compute,
    Elsewhere,
    SparseRows,
    Table,
    Values,
    as_array,
)


@known("pipeline.Pipeline")
def _pipeline(model: Any, survey: Survey) -> Methods:
    parts = [part for _, part in model.steps if part not in (None, "passthrough")]
    if not parts or model.steps[-1][1] in (None, "passthrough"):
        raise LookupError
    *before, last = parts
    steps = [survey.transform_of(part) for part in before]
    return {name: _after(steps, method) for name, method in survey.methods_of(last).items()}


def _after(steps: Sequence[Compute], last: Compute) -> Compute:
    def compute(values: Values) -> Any:
        for step in steps:
            values = step(values)
        return last(values)

    return compute if steps else last


def _as_it_is(values: Values) -> Values:
    return values


@known("pipeline.FeatureUnion")
def _union(model: Any, survey: Survey) -> Methods:
    if model.transformer_weights:
        raise LookupError
    parts = [part for _, part in model.transformer_list if part != "drop"]
    steps: list[Compute] = [
        _as_it_is if part == "passthrough" else survey.transform_of(part) for part in parts
    ]

    def transform(values: Values) -> Values:
        found = [step(values) for step in steps]
        return _beside(found, any(isinstance(one, SparseRows) for one in found))

    return {"transform": transform}


@known("compose._column_transformer.ColumnTransformer")
def _columns(model: Any, survey: Survey) -> Methods:
    if model.transformer_weights:
        raise LookupError
    parts = []
    for name, part, columns in model.transformers_:
        positions = model._transformer_to_input_indices[name]
        if len(positions) and not (isinstance(part, str) and part == "drop"):
            selection = _selection(columns, positions)
            parts.append((survey.transform_of(part), selection, list(positions)))
    if not parts:
        raise LookupError
    sparse = bool(model.sparse_output_)

    def transform(values: Values) -> Values:
        if isinstance(values, SparseRows):
            raise Elsewhere
        is_table = isinstance(values, Table)
        return _beside(
            [
                step(values.take(positions) if is_table else values[:, selection])
                for step, selection, positions in parts
            ],
            sparse,
        )

    return {"transform": transform}


def _selection(columns: Any, positions: Sequence[int]) -> Any:
    """What selects the columns of an array: positions, or a mask as it was given.

    Raises:
        LookupError: it is one column as a vector, or a slice.
    """
    if isinstance(columns, str | int) or not hasattr(columns, "__len__"):
        raise LookupError
    array = np.asarray(columns)
    return array if array.dtype.kind in "bi" else np.asarray(positions)


def _beside(found: Sequence[Values], sparse: bool) -> Values:
    arrays = [one.dense if isinstance(one, SparseRows) else as_array(one) for one in found]
    if not sparse:
        return np.hstack(arrays)
    if any(array.dtype != np.float64 for array in arrays):
        raise Elsewhere
    return SparseRows(np.hstack(arrays))


@known(
    "model_selection._search.GridSearchCV",
    "model_selection._search.RandomizedSearchCV",
    "model_selection._search_successive_halving.HalvingGridSearchCV",
    "model_selection._search_successive_halving.HalvingRandomSearchCV",
)
def _search(model: Any, survey: Survey) -> Methods:
    return survey.methods_of(model.best_estimator_)


@known("compose._target.TransformedTargetRegressor")
def _target(model: Any, survey: Survey) -> Methods:
    predict = survey.methods_of(model.regressor_)["predict"]
    inverse: Callable[[Array], Array] = model.transformer_.inverse_transform
    survey.parts.append(model.transformer_)
    dimensions = model._training_dim

    def compute(values: Values) -> Array:
        found = predict(values)
        found = inverse(found.reshape(-1, 1) if found.ndim == 1 else found)
        is_one = dimensions == found.ndim - 1 and found.shape[1] == 1
        return found.squeeze(axis=1) if is_one else found

    return {"predict": compute}
