"""Transformers that treat each number by itself: scalers, bins, functions of numpy."""

from __future__ import annotations

from functools import partial
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
    converted,
    converted_finite,
)

# Functions of one number each, which give NaN for NaN.
_FUNCTIONS = (
    np.log, np.log1p, np.log2, np.log10, np.exp, np.expm1, np.sqrt, np.cbrt, np.square, np.abs,
    np.sin, np.cos, np.tan, np.tanh, np.arcsinh, np.sign, np.negative, np.reciprocal,
)  # fmt: skip


def _noting(survey: Survey, values: Values) -> Array:
    """Values as numbers; that some are missing is noted."""
    numbers = converted(values)
    if np.isnan(numbers).any():
        survey.notes |= Survey.MISSING
    return numbers


def _copies(model: Any) -> None:
    """Leave those alone that change what they are given."""
    if model.copy is not True:
        raise LookupError


# By which parameters the scalers shift and divide, and the attribute they shift by.
_SHIFTED = {
    "StandardScaler": ("with_mean", "mean_", "with_std"),
    "RobustScaler": ("with_centering", "center_", "with_scaling"),
}


@known("preprocessing._data.StandardScaler", "preprocessing._data.RobustScaler")
def _shifted_and_divided(model: Any, survey: Survey) -> Methods:
    _copies(model)
    shifts, center, divides = _SHIFTED[type(model).__name__]
    shift = getattr(model, center) if getattr(model, shifts) else None
    scale = model.scale_ if getattr(model, divides) else None
    return {"transform": _shift_and_divide(survey, shift, scale)}


@known("preprocessing._data.MaxAbsScaler")
def _largest(model: Any, survey: Survey) -> Methods:
    _copies(model)
    if getattr(model, "clip", False):
        raise LookupError
    return {"transform": _shift_and_divide(survey, None, model.scale_)}


def _shift_and_divide(survey: Survey, shift: Array | None, scale: Array | None) -> Compute:
    def transform(values: Values) -> Array:
        numbers = _noting(survey, values)
        if shift is not None:
            numbers = numbers - shift
        return numbers if scale is None else numbers / scale

    return transform


@known("preprocessing._data.MinMaxScaler")
def _least_to_largest(model: Any, survey: Survey) -> Methods:
    _copies(model)
    scale, least = model.scale_, model.min_
    bounds = model.feature_range if model.clip else None

    def transform(values: Values) -> Array:
        found = _noting(survey, values) * scale + least
        return found if bounds is None else np.clip(found, *bounds)  # type: ignore[no-any-return]

    return {"transform": transform}


@known("preprocessing._data.PowerTransformer")
def _power(model: Any, survey: Survey) -> Methods:
    from scipy import special, stats

    own = getattr(model, "_yeo_johnson_transform", stats.yeojohnson)
    positive = model.method == "box-cox"
    function = special.boxcox if positive else own
    powers = model.lambdas_
    scaler = None
    if model.standardize:  # which works in place on what is a copy already
        scaler = _shift_and_divide(survey, model._scaler.mean_, model._scaler.scale_)

    def transform(values: Values) -> Array:
        numbers = _noting(survey, values).copy(order="K")
        if positive and np.nanmin(numbers, initial=1.0) <= 0:
            raise Elsewhere
        with np.errstate(invalid="ignore"):
            for position, power in enumerate(powers):
                numbers[:, position] = function(numbers[:, position], power)
        return numbers if scaler is None else scaler(numbers)

    return {"transform": transform}


@known("preprocessing._discretization.KBinsDiscretizer")
def _bins(model: Any, survey: Survey) -> Methods:
    if model.dtype not in (None, np.float64):
        raise LookupError
    edges = [one[1:-1] for one in model.bin_edges_]
    widths = [int(number) for number in model.n_bins_]
    starts = np.cumsum([0, *widths[:-1]])
    sparse = model.encode == "onehot"

    def numbered(values: Values) -> Array:
        numbers = converted_finite(values).copy(order="K")
        for position, inner in enumerate(edges):
            numbers[:, position] = np.searchsorted(inner, numbers[:, position], side="right")
        return numbers

    def one_hot(values: Values) -> Values:
        bins = numbered(values).astype(int)
        found = np.zeros((len(bins), sum(widths)))
        found[np.arange(len(bins))[:, np.newaxis], bins + starts] = 1
        return SparseRows(found) if sparse else found

    return {"transform": numbered if model.encode == "ordinal" else one_hot}


@known("preprocessing._function_transformer.FunctionTransformer")
def _function(model: Any, survey: Survey) -> Methods:
    if model.kw_args or model.feature_names_out not in (None, "one-to-one"):
        raise LookupError
    function, validates = model.func, model.validate
    if function is None and not validates:
        return {"transform": lambda values: values}
    if isinstance(function, partial) and _is_check(function) and not validates:
        return {"transform": _as_double}
    if not any(function is one for one in _FUNCTIONS):
        raise LookupError
    return {"transform": lambda values: function(_of_double(values, validates))}


def _of_double(values: Values, finite: bool) -> Array:
    """Numbers of double precision alone: a function may give another type for others."""
    array = as_array(values)
    if array.dtype != np.float64 or (finite and not np.isfinite(array).all()):
        raise Elsewhere
    return array


def _is_check(function: partial[Any]) -> bool:
    """Whether this is how histogram boosting reads its numbers: as they are, missing ones too."""
    from sklearn.utils import check_array

    keywords = dict(function.keywords)
    finite = keywords.pop("ensure_all_finite", keywords.pop("force_all_finite", True))
    return function.func is check_array and finite is False and keywords == {"dtype": [np.float64]}


def _as_double(values: Values) -> Array:
    array = as_array(values)
    if array.dtype == np.int64:
        return array.astype(np.float64)
    if array.dtype != np.float64:
        raise Elsewhere
    return array


def columns_of(values: Values) -> Table:
    """Values column by column.

    Raises:
        Elsewhere: they are sparse.
    """
    if isinstance(values, Table):
        return values
    array = as_array(values)
    return Table(list(array.T), len(array), lambda: array)
