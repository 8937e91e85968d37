"""Estimators that put together what several others say: votes, stacks, bags, boosted trees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from handler.invocation.fast.estimators import Methods, Survey, known
from handler.invocation.fast.linear import softmax, with_logarithm
from handler.invocation.fast.trees import every_tree, running_sum, tree_of
from handler.invocation.fast.values import (
    Array,
    Compute,
    Elsewhere,
    Values,
    as_array,
    single,
)


@known("ensemble._voting.VotingClassifier")
def _votes(model: Any, survey: Survey) -> Methods:
    classes, weights = model.le_.classes_, model._weights_not_none
    each = [survey.methods_of(part) for part in model.estimators_]
    if model.voting == "hard":
        labels = _all(each, "predict")

        def most(votes: Array) -> Any:
            return np.argmax(np.bincount(votes, weights=weights))

        return {
            "predict": lambda values: classes[np.apply_along_axis(most, 1, labels(values).T)]
        }  # fmt: skip
    probabilities = _all(each, "predict_proba")

    def mean(values: Values) -> Array:
        return np.average(probabilities(values), axis=0, weights=weights)

    return {"predict": lambda values: classes[mean(values).argmax(axis=1)], "predict_proba": mean}


@known("ensemble._voting.VotingRegressor")
def _mean(model: Any, survey: Survey) -> Methods:
    weights = model._weights_not_none
    answers = _all([survey.methods_of(part) for part in model.estimators_], "predict")
    return {"predict": lambda values: np.average(answers(values).T, axis=1, weights=weights)}


def _all(each: Sequence[Methods], name: str) -> Compute:
    computes = [methods[name] for methods in each]
    return lambda values: np.asarray([compute(values) for compute in computes])


@known("ensemble._stacking.StackingRegressor", "ensemble._stacking.StackingClassifier")
def _stacked(model: Any, survey: Survey) -> Methods:
    """What a last estimator makes of what the others say."""
    encoder = getattr(model, "_label_encoder", None)
    if model.passthrough or isinstance(encoder, list):
        raise LookupError
    names = model.stack_method_
    each = [
        survey.methods_of(part)[name] for part, name in zip(model.estimators_, names, strict=True)
    ]
    # Of two classes' probabilities one says it all.
    halves = [encoder is not None and name == "predict_proba" and len(model.classes_) == 2
              for name in names]  # fmt: skip

    def transform(values: Values) -> Array:
        found = [compute(values) for compute in each]
        return np.hstack(
            [
                one.reshape(-1, 1) if one.ndim == 1 else one[:, 1:] if half else one
                for one, half in zip(found, halves, strict=True)
            ]
        )

    last = survey.methods_of(model.final_estimator_)
    methods: Methods = {
        name: _behind(transform, last[name])
        for name in ("predict", "predict_proba", "decision_function")
        if name in last
    }
    if encoder is not None:
        labels, index = encoder.classes_, methods["predict"]
        methods["predict"] = lambda values: labels[index(values)]
    return {**methods, "transform": transform}


def _behind(transform: Compute, last: Compute) -> Compute:
    return lambda values: last(transform(values))


@known("ensemble._bagging.BaggingRegressor", "ensemble._bagging.BaggingClassifier")
def _bagged(model: Any, survey: Survey) -> Methods:
    """The mean of what estimators of the same kind say, each of its own columns."""
    classes = getattr(model, "classes_", None)
    name, parts = "predict" if classes is None else "predict_proba", model.estimators_
    several = model.n_jobs not in (None, 1)  # which add up in another order
    if several or any(classes is not None and len(one.classes_) != len(classes) for one in parts):
        raise LookupError
    each = [survey.methods_of(part)[name] for part in parts]
    columns = model.estimators_features_

    def mean(values: Values) -> Array:
        array = as_array(values)
        found = [one(array[:, own]) for one, own in zip(each, columns, strict=True)]
        return running_sum(np.stack(found)) / len(parts)

    if classes is None:
        return {"predict": mean}
    return {
        "predict": lambda values: classes.take(mean(values).argmax(axis=1), axis=0),
        "predict_proba": mean,
    }


@known("calibration.CalibratedClassifierCV")
def _calibrated(model: Any, survey: Survey) -> Methods:
    parts = [_calibrated_one(part, survey) for part in model.calibrated_classifiers_]
    classes = model.classes_

    def mean(values: Values) -> Array:
        total = running_sum(np.stack([part(values) for part in parts]))
        return total / len(parts)

    return {"predict": lambda values: classes[mean(values).argmax(axis=1)], "predict_proba": mean}


def _calibrated_one(part: Any, survey: Survey) -> Compute:
    """One classifier with the calibrators of its classes."""
    if part.method not in ("sigmoid", "isotonic"):
        raise LookupError
    survey.parts.append(part)
    methods = survey.methods_of(part.estimator)
    by_score = hasattr(part.estimator, "decision_function")
    scores = methods["decision_function" if by_score else "predict_proba"]
    calibrators = [_calibrator(one, survey) for one in part.calibrators]
    classes = np.asarray(part.classes)
    width = len(classes)
    places = np.searchsorted(classes, part.estimator.classes_).tolist()

    def probabilities(values: Values) -> Array:
        given = scores(values)
        if not by_score and given.shape[1] == 2:
            given = given[:, 1]
        if given.ndim == 1:
            given = given.reshape(-1, 1)
        found = np.zeros((len(given), width))
        for place, column, calibrator in zip(places, given.T, calibrators, strict=False):
            found[:, place + (width == 2)] = calibrator(column)
        if width == 2:
            found[:, 0] = 1.0 - found[:, 1]
        else:
            total = np.sum(found, axis=1)[:, np.newaxis]
            equal = np.full_like(found, 1 / width)
            found = np.divide(found, total, out=equal, where=total != 0)
        found[(found > 1.0) & (found <= 1.0 + 1e-5)] = 1.0
        return found

    return probabilities


def _calibrator(one: Any, survey: Survey) -> Compute:
    from scipy.special import expit

    survey.parts.append(one)
    if type(one).__name__ != "_SigmoidCalibration":
        return one.predict  # type: ignore[no-any-return]
    slope, shift = one.a_, one.b_
    return lambda scores: expit(-(slope * scores + shift))


@known("ensemble._weight_boosting.AdaBoostClassifier")
def _adaptive(model: Any, survey: Survey) -> Methods:
    """Weighted votes of trees: each for the class that it finds, and against all others."""
    classes, width = model.classes_, model.n_classes_
    if getattr(model, "algorithm", "SAMME") == "SAMME.R" or width < 2:
        raise LookupError
    parts = model.estimators_
    if any(
        type(part).__name__ != "DecisionTreeClassifier" or list(part.classes_) != list(classes)
        for part in parts
    ):
        raise LookupError
    survey.parts.extend(parts)
    every = every_tree([tree_of(part) for part in parts])
    weights = model.estimator_weights_[: len(parts)]
    total = model.estimator_weights_.sum()
    for_it = weights[:, np.newaxis, np.newaxis]
    against = (-1 / (width - 1) * weights)[:, np.newaxis, np.newaxis]
    numbers = np.arange(width)

    def scores(values: Values) -> Array:
        chosen = _at_once(every, values).argmax(axis=2)[:, :, np.newaxis]
        found = running_sum(np.where(chosen == numbers, for_it, against))
        found /= total
        if width > 2:
            return found
        found[:, 0] *= -1
        return found.sum(axis=1)  # type: ignore[no-any-return]

    def predict(values: Values) -> Array:
        found = scores(values)
        if width == 2:
            return classes.take(found > 0, axis=0)  # type: ignore[no-any-return]
        return classes.take(found.argmax(axis=1), axis=0)  # type: ignore[no-any-return]

    def probabilities(values: Values) -> Array:
        found = scores(values)
        if width == 2:
            return softmax(np.vstack([-found, found]).T / 2)
        found /= width - 1
        return softmax(found)

    methods: Methods = {"predict": predict, "decision_function": scores}
    return with_logarithm(methods, probabilities)


@known("ensemble._weight_boosting.AdaBoostRegressor")
def _weighted_median(model: Any, survey: Survey) -> Methods:
    parts, weights = model.estimators_, model.estimator_weights_
    if any(type(part).__name__ != "DecisionTreeRegressor" for part in parts):
        raise LookupError
    survey.parts.extend(parts)
    every = every_tree([tree_of(part) for part in parts])

    def predict(values: Values) -> Array:
        found = np.array(_at_once(every, values)[:, :, 0]).T
        order = np.argsort(found, axis=1)
        sums = np.cumsum(weights[order], axis=1, dtype=np.float64)
        place = (sums >= 0.5 * sums[:, -1][:, np.newaxis]).argmax(axis=1)
        rows = np.arange(len(found))
        return found[rows, order[rows, place]]  # type: ignore[no-any-return]

    return {"predict": predict}


def _at_once(every: Callable[[Array], Array | None], values: Values) -> Array:
    """What all trees say.

    Raises:
        Elsewhere: it would be too much at once.
    """
    found = every(single(values))
    if found is None:
        raise Elsewhere
    return found


@known("ensemble._iforest.IsolationForest")
def _isolation(model: Any, survey: Survey) -> Methods:
    from sklearn.ensemble._iforest import _average_path_length

    if model._max_features != model.n_features_in_:
        raise LookupError
    pairs = zip(model._decision_path_lengths, model._average_path_length_per_tree, strict=True)
    depths = [(path + average - 1.0).reshape(-1, 1, 1) for path, average in pairs]
    every = every_tree([tree_of(one) for one in model.estimators_], depths)
    whole = len(depths) * _average_path_length([model._max_samples])
    offset = model.offset_

    def decision_function(values: Values) -> Array:
        total = running_sum(_at_once(every, values))[:, 0]
        scores = 2 ** (-np.divide(total, whole, out=np.ones_like(total), where=whole != 0))
        return -scores - offset  # type: ignore[no-any-return]

    def predict(values: Values) -> Array:
        found = decision_function(values)
        is_inlier = np.ones_like(found, dtype=int)
        is_inlier[found < 0] = -1
        return is_inlier

    return {"predict": predict, "decision_function": decision_function}
