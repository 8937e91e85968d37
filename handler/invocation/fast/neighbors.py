"""Nearest neighbours by the library's own trees.

Brute force is left to the library: what takes its time there is the arithmetic.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handler.invocation.fast.estimators import Methods, Survey, known
from handler.invocation.fast.values import (
    Array,
    Compute,
    Elsewhere,
    Values,
    converted_finite,
)


@known("neighbors._classification.KNeighborsClassifier")
def _classifier(model: Any, survey: Survey) -> Methods:
    from sklearn.utils.extmath import weighted_mode

    if model.outputs_2d_:
        raise LookupError
    nearest, classes, labels = _nearest(model), model.classes_, model._y.ravel()

    def votes(found: Array, weights: Array | None) -> Array:
        each = np.zeros((len(found), classes.size))
        rows = np.arange(len(found))
        for position, label in enumerate(found.T):
            each[rows, label] += 1 if weights is None else weights[:, position]
        return each

    def predict(values: Values) -> Array:
        neighbors, weights = nearest(values)
        found = labels[neighbors]
        if weights is None:
            chosen = votes(found, None).argmax(axis=1)
        else:
            chosen = np.asarray(weighted_mode(found, weights, axis=1)[0].ravel(), dtype=np.intp)
        return classes.take(chosen)  # type: ignore[no-any-return]

    def probabilities(values: Values) -> Array:
        neighbors, weights = nearest(values)
        each = votes(labels[neighbors], weights)
        each /= each.sum(axis=1)[:, np.newaxis]
        return each

    return {"predict": predict, "predict_proba": probabilities}


@known("neighbors._regression.KNeighborsRegressor")
def _regressor(model: Any, survey: Survey) -> Methods:
    nearest, is_one = _nearest(model), model._y.ndim == 1
    targets = model._y.reshape(-1, 1) if is_one else model._y

    def predict(values: Values) -> Array:
        neighbors, weights = nearest(values)
        if weights is None:
            found = np.mean(targets[neighbors], axis=1)
        else:
            found = np.empty((len(neighbors), targets.shape[1]))
            total = np.sum(weights, axis=1)
            for column in range(targets.shape[1]):
                share = np.sum(targets[neighbors, column] * weights, axis=1)
                found[:, column] = share / total
        return found.ravel() if is_one else found  # type: ignore[no-any-return]

    return {"predict": predict}


def _nearest(model: Any) -> Compute:
    """The positions of the nearest, an array of shape (rows, neighbors), and their weights."""
    from sklearn.neighbors._base import _get_weights

    weighting, count, query = model.weights, model.n_neighbors, getattr(model._tree, "query", None)
    if weighting not in ("uniform", "distance") or query is None or count > model.n_samples_fit_:
        raise LookupError

    def nearest(values: Values) -> tuple[Array, Array | None]:
        numbers = np.ascontiguousarray(converted_finite(values))
        if weighting == "uniform":
            return query(numbers, count, False), None
        distances, neighbors = query(numbers, count, True)
        weights = _get_weights(distances, weighting)
        if not weights.any(axis=1).all():  # all too far away to count, which is an error
            raise Elsewhere
        return neighbors, weights

    return nearest
