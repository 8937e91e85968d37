"""Support vector machines with kernels, by the library's own call of libsvm."""

from __future__ import annotations

from typing import Any

import numpy as np

from handler.invocation.fast.estimators import Methods, Survey, known
from handler.invocation.fast.values import Array, Values, converted_finite


@known("svm._classes.SVR", "svm._classes.NuSVR")
def _regressor(model: Any, survey: Survey) -> Methods:
    _check(model)
    return {"predict": lambda values: model._dense_predict(_rows(values))}


@known("svm._classes.SVC", "svm._classes.NuSVC")
def _classifier(model: Any, survey: Survey) -> Methods:
    from sklearn.utils.multiclass import _ovr_decision_function

    _check(model)
    if model.break_ties:
        raise LookupError
    classes, by_class = model.classes_, model.decision_function_shape == "ovr"

    def predict(values: Values) -> Array:
        found = model._dense_predict(_rows(values))
        return classes.take(np.asarray(found, dtype=np.intp))  # type: ignore[no-any-return]

    def decision_function(values: Values) -> Array:
        found = model._dense_decision_function(_rows(values))
        if len(classes) == 2:
            return -found.ravel()  # type: ignore[no-any-return]
        if by_class:
            return _ovr_decision_function(found < 0, -found, len(classes))  # type: ignore[no-any-return]
        return found  # type: ignore[no-any-return]

    return {"predict": predict, "decision_function": decision_function}


def _check(model: Any) -> None:
    """Leave those alone that were fitted on sparse data, or have a kernel of the user's own.

    Raises:
        LookupError: it is such a one.
    """
    is_known = model.kernel in ("linear", "poly", "rbf", "sigmoid")
    if not is_known or model._sparse or model.n_support_.sum() != len(model.support_vectors_):
        raise LookupError


def _rows(values: Values) -> Array:
    return np.ascontiguousarray(converted_finite(values))
