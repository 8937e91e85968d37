"""Gradient boosting, and histogram boosting with its categories and missing values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from handler.invocation.fast.estimators import Methods, Survey, known
from handler.invocation.fast.linear import with_logarithm
from handler.invocation.fast.trees import MOST_BYTES, MOST_CELLS, joined, lead
from handler.invocation.fast.values import Array, Compute, SparseRows, Values, as_array, single

# Those whose answer does not depend on the row.
_CONSTANT = {
    "sklearn.dummy.DummyClassifier": {"prior", "most_frequent", "constant"},
    "sklearn.dummy.DummyRegressor": {"mean", "median", "quantile", "constant"},
}


@known("ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier")
def _histogram_classifier(model: Any, survey: Survey) -> Methods:
    raw = _histogram(model, survey)
    return _classifier(model, raw, at_zero=False)


@known("ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingRegressor")
def _histogram_regressor(model: Any, survey: Survey) -> Methods:
    raw, inverse = _histogram(model, survey), model._loss.link.inverse
    return {"predict": lambda values: inverse(raw(values).ravel())}


@known("ensemble._gb.GradientBoostingClassifier")
def _gradient_classifier(model: Any, survey: Survey) -> Methods:
    return _classifier(model, _gradient(model), at_zero=True)


@known("ensemble._gb.GradientBoostingRegressor")
def _gradient_regressor(model: Any, survey: Survey) -> Methods:
    raw = _gradient(model)
    return {"predict": lambda values: raw(values).ravel()}


def _classifier(model: Any, raw: Compute, *, at_zero: bool) -> Methods:
    """A classifier's methods; at_zero: which of two classes a score of exactly 0 means."""
    classes, probabilities = model.classes_, model._loss.predict_proba

    def predict(values: Values) -> Array:
        scores = raw(values)
        if scores.shape[1] > 1:
            return classes[scores.argmax(axis=1)]  # type: ignore[no-any-return]
        flat = scores.ravel()
        return classes[(flat >= 0 if at_zero else flat > 0).astype(int)]  # type: ignore[no-any-return]

    def decision_function(values: Values) -> Array:
        scores = raw(values)
        return scores.ravel() if scores.shape[1] == 1 else scores  # type: ignore[no-any-return]

    methods: Methods = {"predict": predict, "decision_function": decision_function}
    proba: Compute = lambda values: probabilities(raw(values))  # noqa: E731
    if hasattr(model, "predict_log_proba"):
        return with_logarithm(methods, proba)
    return {**methods, "predict_proba": proba}


def _gradient(model: Any) -> Compute:
    """The scores of gradient boosting: the library's own loop over its trees."""
    from sklearn.ensemble._gb import predict_stages

    init = model.init_
    name = f"{type(init).__module__}.{type(init).__qualname__}"
    if init != "zero" and getattr(init, "strategy", None) not in _CONSTANT.get(name, ()):
        raise LookupError
    start = model._raw_predict_init(np.zeros((1, model.n_features_in_), dtype=np.float32))
    trees, rate = model.estimators_, model.learning_rate

    def raw(values: Values) -> Array:
        numbers = single(values)
        scores = np.repeat(start, len(numbers), axis=0)
        predict_stages(trees, numbers, rate, scores)
        return scores

    return raw


def _histogram(model: Any, survey: Survey) -> Compute:
    """The scores of histogram boosting, by one thread: for few rows more cost more than they do."""
    prepare = survey.transform_of(model._preprocessor) if model._preprocessor is not None else None
    start = model._baseline_prediction.reshape(1, 1, -1) + 0.0
    if start.dtype != np.float64:
        raise LookupError
    each = _every_tree(model)

    def raw(values: Values) -> Array:
        if prepare is not None:
            values = prepare(values)
        elif isinstance(values, SparseRows):
            raise LookupError
        numbers = as_array(values)
        if numbers.dtype not in (np.float64, np.float32, np.int64):
            raise LookupError
        found = each(numbers.astype(np.float64, copy=False))
        parts = np.concatenate([np.repeat(start, found.shape[1], axis=1), found])
        return np.asfortranarray(np.add.accumulate(parts, axis=0)[-1])

    return raw


def _every_tree(model: Any) -> Compute:
    """What each tree says: an array of shape (iterations, rows, trees of an iteration)."""
    from sklearn.ensemble._hist_gradient_boosting._predictor import _predict_from_raw_data

    trees = [tree for iteration in model._predictors for tree in iteration]
    width = model.n_trees_per_iteration_
    known_categories, places = model._bin_mapper.make_known_categories_bitsets()
    columns = len(places)
    nodes, bits = _as_one(trees, columns)
    more_places = np.append(places, places.dtype.type(0))
    numbers = np.arange(len(trees), dtype=np.float64)[:, np.newaxis]

    def each(values: Array) -> Array:
        found = np.empty((len(trees), len(values)))
        for tree, out in zip(trees, found, strict=True):
            _predict_from_raw_data(
                tree.nodes, values, tree.raw_left_cat_bitsets, known_categories, places, 1, out
            )
        return found

    def together(values: Array) -> Array:
        rows = len(values)
        if nodes is None or rows * columns * len(trees) > MOST_CELLS:
            found = each(values)
        else:
            cells = np.empty((len(trees), rows, columns + 1))
            cells[:, :, :-1] = values
            cells[:, :, -1] = numbers
            found = np.empty(len(trees) * rows)
            _predict_from_raw_data(
                nodes, cells.reshape(-1, columns + 1), bits, known_categories, more_places, 1, found
            )
        return found.reshape(-1, width, rows).transpose(0, 2, 1)

    return together


def _as_one(trees: Sequence[Any], columns: int) -> tuple[Array | None, Array | None]:
    """The nodes of all trees below nodes that lead to them, and the sets of their categories."""
    parts = [tree.nodes for tree in trees]
    if sum(part.nbytes for part in parts) > MOST_BYTES or not parts:
        return None, None
    leads = np.zeros(len(trees) - 1, dtype=parts[0].dtype)
    starts, nodes = joined(leads, parts, "left", "right")
    lead(nodes, starts, "feature_idx", "num_threshold", columns, "left", "right")
    sets = [tree.raw_left_cat_bitsets for tree in trees]
    begins = np.cumsum([0, *(len(one) for one in sets[:-1])])
    for start, part, begin in zip(starts, parts, begins, strict=True):
        nodes["bitset_idx"][start : start + len(part)] += np.uint32(begin)
    return nodes, np.concatenate(sets)
