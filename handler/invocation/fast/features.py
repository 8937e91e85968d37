"""Transformers that make other columns of numbers: projections, selections, products."""

from __future__ import annotations

from typing import Any

import numpy as np

from handler.invocation.fast.estimators import Methods, Survey, known
from handler.invocation.fast.values import Array, Values, converted_finite, finite


@known("decomposition._pca.PCA")
def _principal(model: Any, survey: Survey) -> Methods:
    weights, shift, divisor = model.components_.T, model.mean_, None
    if shift is None:
        raise LookupError
    if model.whiten:
        divisor = np.sqrt(model.explained_variance_)
        divisor[divisor < np.finfo(divisor.dtype).eps] = np.finfo(divisor.dtype).eps
    shift = shift.reshape(1, -1) @ weights

    def transform(values: Values) -> Array:
        found = converted_finite(values) @ weights
        found -= shift
        if divisor is not None:
            found /= divisor
        return found  # type: ignore[no-any-return]

    return {"transform": transform}


@known("decomposition._truncated_svd.TruncatedSVD")
def _singular(model: Any, survey: Survey) -> Methods:
    weights = model.components_.T
    return {"transform": lambda values: finite(values) @ weights}


@known(
    "feature_selection._univariate_selection.SelectKBest",
    "feature_selection._univariate_selection.SelectPercentile",
    "feature_selection._univariate_selection.SelectFpr",
    "feature_selection._univariate_selection.SelectFdr",
    "feature_selection._univariate_selection.SelectFwe",
    "feature_selection._univariate_selection.GenericUnivariateSelect",
    "feature_selection._variance_threshold.VarianceThreshold",
    "feature_selection._from_model.SelectFromModel",
    "feature_selection._rfe.RFE",
    "feature_selection._rfe.RFECV",
    "feature_selection._sequential.SequentialFeatureSelector",
)
def _selection(model: Any, survey: Survey) -> Methods:
    kept = model.get_support()
    if not kept.any():
        raise LookupError  # of which the library warns
    return {"transform": lambda values: finite(values)[:, kept]}


@known("preprocessing._polynomial.PolynomialFeatures")
def _products(model: Any, survey: Survey) -> Methods:
    """Each product is made of one of a factor less and the first of its factors."""
    powers = [tuple(row) for row in model.powers_.tolist()]
    places = {row: place for place, row in enumerate(powers)}
    by_degree: dict[int, list[tuple[int, int, int]]] = {}
    for place, row in enumerate(powers):
        if (degree := sum(row)) > 1:
            first = next(position for position, power in enumerate(row) if power)
            rest = (*row[:first], row[first] - 1, *row[first + 1 :])
            by_degree.setdefault(degree, []).append((place, places[rest], first))
    steps = [tuple(map(list, zip(*by_degree[degree], strict=True))) for degree in sorted(by_degree)]
    singles = [places[tuple(int(i == j) for j in range(model.n_features_in_))]
               for i in range(model.n_features_in_)]  # fmt: skip
    bias, order = model.include_bias, model.order

    def transform(values: Values) -> Array:
        numbers = converted_finite(values)
        found = np.empty((len(numbers), len(powers)), order=order)
        if bias:
            found[:, 0] = 1
        found[:, singles] = numbers
        for columns, rests, firsts in steps:
            found[:, columns] = found[:, rests] * numbers[:, firsts]
        return found

    return {"transform": transform}
