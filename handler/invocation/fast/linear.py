"""Linear models."""

from __future__ import annotations

from typing import Any

import numpy as np

from handler.invocation.fast.estimators import Methods, Survey, known
from handler.invocation.fast.values import Array, Compute, SparseRows, Values, finite


@known(
    "linear_model._logistic.LogisticRegression",
    "linear_model._logistic.LogisticRegressionCV",
)
def _logistic(model: Any, survey: Survey) -> Methods:
    methods = _classifier(model, survey)
    # Before scikit-learn 1.8 there was a choice.
    choice = getattr(model, "multi_class", "deprecated")
    by_class = choice in ("ovr", "warn") or (
        choice in ("auto", "deprecated")
        and (len(model.classes_) <= 2 or model.solver == "liblinear")
    )
    scores = _scores(model)
    if by_class:
        return with_logarithm(methods, _probabilities(scores))
    if len(model.classes_) > 2:
        return with_logarithm(methods, lambda values: softmax(scores(values)))
    return methods


@known("linear_model._stochastic_gradient.SGDClassifier")
def _stochastic(model: Any, survey: Survey) -> Methods:
    methods = _classifier(model, survey)
    if model.loss == "log_loss":
        return with_logarithm(methods, _probabilities(_scores(model)))
    return methods


@known(
    "svm._classes.LinearSVC",
    "linear_model._perceptron.Perceptron",
    "linear_model._passive_aggressive.PassiveAggressiveClassifier",
    "linear_model._ridge.RidgeClassifier",
    "linear_model._ridge.RidgeClassifierCV",
)
def _classifier(model: Any, survey: Survey) -> Methods:
    if str(getattr(getattr(model, "_label_binarizer", None), "y_type_", "")).startswith(
        "multilabel"
    ):
        raise LookupError
    scores, classes = _scores(model), model.classes_

    def decision_function(values: Values) -> Array:
        found = scores(values)
        is_one = found.ndim > 1 and found.shape[1] == 1
        return found.reshape(-1) if is_one else found  # type: ignore[no-any-return]

    def predict(values: Values) -> Array:
        found = scores(values)
        is_one = found.ndim == 1 or found.shape[1] == 1
        chosen = (found.ravel() > 0).astype(int) if is_one else found.argmax(axis=1)
        return classes.take(chosen, axis=0)  # type: ignore[no-any-return]

    return {"predict": predict, "decision_function": decision_function}


@known("discriminant_analysis.LinearDiscriminantAnalysis")
def _discriminant(model: Any, survey: Survey) -> Methods:
    from scipy.special import expit

    methods = _classifier(model, survey)
    scores = methods["decision_function"]

    def probabilities(values: Values) -> Array:
        found = scores(values)
        if found.ndim > 1:
            return softmax(found)
        found = expit(found)
        return np.stack([1 - found, found], axis=1)

    def logarithms(values: Values) -> Array:
        found = probabilities(values)
        found[found == 0.0] += np.finfo(found.dtype).smallest_normal
        return np.log(found)

    return {**methods, "predict_proba": probabilities, "predict_log_proba": logarithms}


@known(
    "linear_model._base.LinearRegression",
    "linear_model._ridge.Ridge",
    "linear_model._ridge.RidgeCV",
    "linear_model._coordinate_descent.Lasso",
    "linear_model._coordinate_descent.LassoCV",
    "linear_model._coordinate_descent.ElasticNet",
    "linear_model._coordinate_descent.ElasticNetCV",
    "linear_model._bayes.BayesianRidge",
    "linear_model._bayes.ARDRegression",
    "linear_model._huber.HuberRegressor",
    "linear_model._least_angle.Lars",
    "linear_model._least_angle.LassoLars",
    "linear_model._omp.OrthogonalMatchingPursuit",
    "linear_model._theil_sen.TheilSenRegressor",
    "linear_model._quantile.QuantileRegressor",
)
def _regressor(model: Any, survey: Survey) -> Methods:
    return {"predict": _scores(model)}


@known(
    "svm._classes.LinearSVR",
    "linear_model._stochastic_gradient.SGDRegressor",
    "linear_model._passive_aggressive.PassiveAggressiveRegressor",
)
def _raveled_regressor(model: Any, survey: Survey) -> Methods:
    scores = _scores(model)
    return {"predict": lambda values: scores(values).ravel()}


@known(
    "linear_model._glm.glm.PoissonRegressor",
    "linear_model._glm.glm.GammaRegressor",
    "linear_model._glm.glm.TweedieRegressor",
)
def _generalized(model: Any, survey: Survey) -> Methods:
    scores, inverse = _scores(model), model._base_loss.link.inverse
    return {"predict": lambda values: inverse(scores(values))}


def _scores(model: Any) -> Compute:
    """The sum of the products, in the library's own order."""
    weights, intercept = model.coef_.T, model.intercept_
    if type(model.coef_) is not np.ndarray:  # its `sparsify` makes it another thing
        raise LookupError

    def scores(values: Values) -> Array:
        if isinstance(values, SparseRows):
            return _sparse_product(values.dense, weights) + intercept  # type: ignore[no-any-return]
        return finite(values) @ weights + intercept  # type: ignore[no-any-return]

    return scores


def _sparse_product(values: Array, weights: Array) -> Array:
    """As scipy multiplies: one column after the other is added."""
    from scipy import sparse

    return sparse.csr_array(finite(values)) @ weights  # type: ignore[no-any-return]


def _probabilities(scores: Compute) -> Compute:
    """One class against the others: each by itself, then made to sum up to one."""
    from scipy.special import expit

    def probabilities(values: Values) -> Array:
        found = expit(scores(values))
        if found.shape[1] == 1:
            found = found.reshape(-1)
            return np.stack([1 - found, found], axis=1)
        total = found.sum(axis=1)
        none = total == 0
        if none.any():
            found[none, :] = 1
            total[none] = found.shape[1]
        found /= total.reshape((len(found), -1))
        return found  # type: ignore[no-any-return]

    return probabilities


def softmax(scores: Array) -> Array:
    """Scores as probabilities, in place."""
    scores -= scores.max(axis=1).reshape((-1, 1))
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1).reshape((-1, 1))
    return scores


def with_logarithm(methods: Methods, probabilities: Compute) -> Methods:
    """Methods with the two of probabilities among them."""
    return {
        **methods,
        "predict_proba": probabilities,
        "predict_log_proba": lambda values: np.log(probabilities(values)),
    }
