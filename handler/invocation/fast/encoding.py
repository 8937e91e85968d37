"""Encoders of categories: one column or one number for each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from handler.invocation.fast.estimators import Methods, Survey, known
from handler.invocation.fast.scaling import columns_of
from handler.invocation.fast.values import Array, Elsewhere, SparseRows, Values

_NAN = object()  # stands for NaN in a table, which is not equal to itself
_NUMBERS, _OBJECTS = "if", "OU"
# For more columns than this, rows that are mostly nothing are not written out.
MOST_COLUMNS = 4096


class _Lookup:
    """What each category of one column becomes.

    Args:
        categories: the column's categories.
        becomes: what each of them becomes.
        unknown: what every other value becomes; None if the library is to be asked.
    """

    def __init__(self, categories: Array, becomes: list[Any], unknown: Any) -> None:
        self._kinds = _NUMBERS if categories.dtype.kind in _NUMBERS else _OBJECTS
        if categories.dtype.kind not in self._kinds:
            raise LookupError
        keys = [_NAN if value != value else value for value in categories.tolist()]
        self._table: Mapping[Any, Any] = dict(zip(keys, becomes, strict=True))
        self._unknown = unknown

    def of(self, column: Array, survey: Survey) -> list[Any]:
        """What the values of a column become.

        Raises:
            Elsewhere: one is of another kind, or unknown where that is an error.
        """
        if column.dtype.kind not in self._kinds:
            raise Elsewhere
        table = self._table
        try:
            return [table[value] for value in column.tolist()]
        except KeyError:
            return [self._one(value, survey) for value in column.tolist()]

    def _one(self, value: Any, survey: Survey) -> Any:
        if type(value) not in (str, float, int, type(None)) or value in (math.inf, -math.inf):
            raise Elsewhere
        key = _NAN if value != value else value
        if key is _NAN or key is None:
            survey.notes |= Survey.MISSING
        if key in self._table:
            return self._table[key]
        survey.notes |= Survey.UNKNOWN
        if self._unknown is None:
            raise Elsewhere
        return self._unknown


def _grouped(model: Any, position: int, index: int) -> int:
    """A category's number after the infrequent ones have become one."""
    if not model._infrequent_enabled:
        return index
    mapping = model._default_to_infrequent_mappings[position]
    return index if mapping is None or index >= len(mapping) else int(mapping[index])


@known("preprocessing._encoders.OneHotEncoder")
def _one_hot(model: Any, survey: Survey) -> Methods:
    if np.dtype(model.dtype) != np.float64:
        raise LookupError
    widths = [int(width) for width in model._n_features_outs]
    total, nothing = sum(widths), sum(widths)
    if total > MOST_COLUMNS:
        raise LookupError
    lookups, start = [], 0
    for position, categories in enumerate(model.categories_):
        dropped = model._drop_idx_after_grouping
        without = None if dropped is None else dropped[position]

        def place(index: int, start: int = start, without: Any = without) -> int:
            """The column of a category; the one behind the last if it has none."""
            if without is None:
                return start + index
            return nothing if index == without else start + index - (index > without)

        becomes = [place(_grouped(model, position, index)) for index in range(len(categories))]
        lookups.append(
            _Lookup(categories, becomes, _unknown_place(model, position, place, nothing))
        )
        start += widths[position]
    sparse = bool(model.sparse_output)

    def transform(values: Values) -> Values:
        table = columns_of(values)
        found = np.zeros((table.rows, total + 1))
        rows = np.arange(table.rows)
        for position, lookup in enumerate(lookups):
            found[rows, lookup.of(table.column(position), survey)] = 1
        found = np.ascontiguousarray(found[:, :total])
        return SparseRows(found) if sparse else found

    return {"transform": transform}


def _unknown_place(model: Any, position: int, place: Any, nothing: int) -> int | None:
    """The column of an unknown category; None where the library warns of it, or fails."""
    if model.handle_unknown not in ("ignore", "infrequent_if_exist") or model.drop is not None:
        return None
    if model.handle_unknown == "infrequent_if_exist" and model._infrequent_enabled:
        infrequent = model._infrequent_indices[position]
        if infrequent is not None:
            return int(place(_grouped(model, position, int(infrequent[0]))))
    return nothing


@known("preprocessing._encoders.OrdinalEncoder")
def _ordinal(model: Any, survey: Survey) -> Methods:
    if np.dtype(model.dtype) != np.float64:
        raise LookupError
    unknown = model.unknown_value if model.handle_unknown == "use_encoded_value" else None
    lookups = []
    for position, categories in enumerate(model.categories_):
        missing = model._missing_indices.get(position)
        becomes = [
            model.encoded_missing_value if index == missing else _grouped(model, position, index)
            for index in range(len(categories))
        ]
        lookups.append(_Lookup(categories, becomes, unknown))
    return {"transform": _filled(lookups, survey)}


@known("preprocessing._target_encoder.TargetEncoder")
def _target(model: Any, survey: Survey) -> Methods:
    if model.target_type_ == "multiclass" or model._infrequent_enabled:
        raise LookupError
    pairs = zip(model.categories_, model.encodings_, strict=True)
    mean = float(model.target_mean_)
    lookups = [_Lookup(categories, means.tolist(), mean) for categories, means in pairs]
    return {"transform": _filled(lookups, survey)}


def _filled(lookups: list[_Lookup], survey: Survey) -> Any:
    def transform(values: Values) -> Array:
        table = columns_of(values)
        found = np.empty((table.rows, len(lookups)))
        for position, lookup in enumerate(lookups):
            found[:, position] = lookup.of(table.column(position), survey)
        return found

    return transform
