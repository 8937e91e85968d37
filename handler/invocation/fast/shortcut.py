"""What scikit-learn's commonest models compute for a few rows, without the library's questions.

For one row, most of ``predict`` is questions: is this fitted, of which library is the array, how
many features does it have; they are asked at each step of a pipeline and at each tree of a forest.
What is left here is the arithmetic, the library's own and in its order, on what it has fitted: the
result is the same to the last bit. It is for estimators of exactly these classes and for plain
finite numbers; everything else, errors too, is left to the library. As another version of it may
compute in another way, a model's first answers are computed in both ways and compared.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

logger = logging.getLogger(__name__)

# For more rows than this the questions don't count, and a forest may use its threads.
MOST_ROWS = 256
# How many answers are compared with the library's before it is asked no more.
TRIALS = 8
# Trees compute in single precision: what has no place there is an error of theirs.
_LARGEST = float(np.finfo(np.float32).max)
# What an instance may have of its own that changes what its class's methods give.
_OVERRIDES = {"predict", "transform", "_sklearn_output_config"}

Array = np.ndarray[Any, Any]
Compute = Callable[[Array], Array]
Predict = Callable[[Any], Any]


class Shortcut:
    """A fitted estimator's ``predict``, by the short way where that is sound.

    Args:
        model: the estimator.
        steps: what it does with its input, one after the other.
    """

    def __init__(self, model: Any, steps: list[Compute]) -> None:
        self._predict: Predict = model.predict
        self._steps = steps
        self._trials = TRIALS
        self._columns = getattr(model, "n_features_in_", None)
        self._names = getattr(model, "feature_names_in_", None)

    def __call__(self, data: Any) -> Any:
        """The prediction for each row, or the library's own error."""
        short = self._compute(data)
        if short is not None and not self._trials:
            return short
        answer = self._predict(data)
        if short is not None:
            self._compare(short, answer)
        return answer

    def _compute(self, data: Any) -> Array | None:
        """The short way's result; None where it is not for this data, or this library."""
        values = self._values_of(data) if self._steps else None
        for step in self._steps:
            if values is None or not (np.abs(values) < _LARGEST).all():
                return None
            try:
                values = step(values)
            except (AttributeError, IndexError, TypeError, ValueError):
                self._give_up()
                return None
        return values

    def _values_of(self, data: Any) -> Array | None:
        if self._names is not None:
            columns = getattr(data, "columns", None)  # a data frame's
            if columns is None or not np.array_equal(columns, self._names):
                return None
            data = data.to_numpy()
        if type(data) is not np.ndarray or data.dtype != np.float64 or data.ndim != 2:
            return None
        rows, columns = data.shape
        return data if columns == self._columns and 0 < rows <= MOST_ROWS else None

    def _compare(self, short: Array, answer: Any) -> None:
        is_alike = type(answer) is np.ndarray and answer.dtype == short.dtype
        if is_alike and np.array_equal(answer, short):
            self._trials -= 1
        else:
            self._give_up()

    def _give_up(self) -> None:
        self._steps = []
        logger.info("this scikit-learn has a way of its own to predict: no shortcut is taken")


def shortcut_to(model: Any) -> Shortcut | None:
    """What gives a model's predictions faster than its own ``predict``; None if nothing does."""
    steps = _steps_of(model)
    return Shortcut(model, steps) if steps else None


def _steps_of(model: Any) -> list[Compute]:
    """What a model does with its input, step by step; empty where that is not known here."""
    parts = [model]
    if _class_of(model) == "sklearn.pipeline.Pipeline":
        parts = [part for _, part in model.steps if part not in (None, "passthrough")]
    try:
        *transformers, predictor = parts
        steps = [_step_of(part, _TRANSFORMERS) for part in transformers]
        steps.append(_step_of(predictor, _PREDICTORS))
    except (AttributeError, LookupError, ValueError):
        return []  # not known, not fitted or in another way, or a pipeline of nothing
    return steps


def _step_of(part: Any, makers: Mapping[str, Callable[[Any], Compute]]) -> Compute:
    """What one part does.

    Raises:
        LookupError: there is no short way for it.
    """
    return makers[_class_of(part)](part)


def _class_of(estimator: Any) -> str:
    """By its name, as the library is not imported for models that don't use it."""
    if _OVERRIDES & getattr(estimator, "__dict__", {}).keys():
        return ""
    kind = type(estimator)
    return f"{kind.__module__}.{kind.__qualname__}"


def _standard_scaler(scaler: Any) -> Compute:
    mean = scaler.mean_ if scaler.with_mean else None
    scale = scaler.scale_ if scaler.with_std else None

    def transform(values: Array) -> Array:
        if mean is not None:
            values = values - mean
        return values if scale is None else values / scale

    return transform


def _min_max_scaler(scaler: Any) -> Compute:
    if scaler.clip:
        raise LookupError
    scale, least = scaler.scale_, scaler.min_
    return lambda values: values * scale + least


def _linear_classifier(model: Any) -> Compute:
    weights, intercept, classes = _weights_of(model), model.intercept_, model.classes_

    def predict(values: Array) -> Array:
        scores = values @ weights + intercept
        chosen = scores.argmax(axis=1) if scores.shape[1] > 1 else (scores.ravel() > 0).astype(int)
        return classes.take(chosen, axis=0)  # type: ignore[no-any-return]

    return predict


def _linear_regressor(model: Any) -> Compute:
    weights, intercept = _weights_of(model), model.intercept_
    return lambda values: values @ weights + intercept


def _weights_of(model: Any) -> Array:
    if type(model.coef_) is not np.ndarray:  # its `sparsify` makes it another thing
        raise LookupError
    return model.coef_.T


def _tree_classifier(model: Any) -> Compute:
    tree, classes = _tree_of(model), model.classes_
    return lambda values: classes.take(tree(values.astype(np.float32)).argmax(axis=1), axis=0)


def _tree_regressor(model: Any) -> Compute:
    tree = _tree_of(model)
    return lambda values: tree(values.astype(np.float32))[:, 0]


def _tree_of(model: Any) -> Compute:
    if model.n_outputs_ != 1:
        raise LookupError
    return model.tree_.predict  # type: ignore[no-any-return]


def _forest_classifier(model: Any) -> Compute:
    mean, classes = _mean_of_trees(model), model.classes_
    return lambda values: classes.take(mean(values).argmax(axis=1), axis=0)


def _forest_regressor(model: Any) -> Compute:
    mean = _mean_of_trees(model)
    return lambda values: mean(values)[:, 0]


def _mean_of_trees(forest: Any) -> Compute:
    """What the trees say on average: an array of shape (rows, classes), or (rows, 1)."""
    trees = [_tree_of(one) for one in forest.estimators_]
    columns = getattr(forest, "n_classes_", 1)

    def mean(values: Array) -> Array:
        values = values.astype(np.float32)
        total = np.zeros((len(values), columns))
        for tree in trees:
            total += tree(values)
        return total / len(trees)

    return mean


_TRANSFORMERS: dict[str, Callable[[Any], Compute]] = {
    "sklearn.preprocessing._data.StandardScaler": _standard_scaler,
    "sklearn.preprocessing._data.MinMaxScaler": _min_max_scaler,
}
_PREDICTORS: dict[str, Callable[[Any], Compute]] = {
    "sklearn.linear_model._logistic.LogisticRegression": _linear_classifier,
    "sklearn.linear_model._logistic.LogisticRegressionCV": _linear_classifier,
    "sklearn.linear_model._stochastic_gradient.SGDClassifier": _linear_classifier,
    "sklearn.svm._classes.LinearSVC": _linear_classifier,
    "sklearn.linear_model._base.LinearRegression": _linear_regressor,
    "sklearn.linear_model._ridge.Ridge": _linear_regressor,
    "sklearn.linear_model._ridge.RidgeCV": _linear_regressor,
    "sklearn.linear_model._coordinate_descent.Lasso": _linear_regressor,
    "sklearn.linear_model._coordinate_descent.LassoCV": _linear_regressor,
    "sklearn.linear_model._coordinate_descent.ElasticNet": _linear_regressor,
    "sklearn.linear_model._coordinate_descent.ElasticNetCV": _linear_regressor,
    "sklearn.tree._classes.DecisionTreeClassifier": _tree_classifier,
    "sklearn.tree._classes.DecisionTreeRegressor": _tree_regressor,
    "sklearn.ensemble._forest.RandomForestClassifier": _forest_classifier,
    "sklearn.ensemble._forest.RandomForestRegressor": _forest_regressor,
    "sklearn.ensemble._forest.ExtraTreesClassifier": _forest_classifier,
    "sklearn.ensemble._forest.ExtraTreesRegressor": _forest_regressor,
}
