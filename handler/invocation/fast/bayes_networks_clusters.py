"""Neural networks, naive Bayes and clusters."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from handler.invocation.fast.estimators import Methods, Survey, known
from handler.invocation.fast.linear import with_logarithm
from handler.invocation.fast.values import Array, Compute, Elsewhere, Values, finite


@known("neural_network._multilayer_perceptron.MLPRegressor")
def _perceptron_regressor(model: Any, survey: Survey) -> Methods:
    forward = _forward(model)

    def predict(values: Values) -> Array:
        found = forward(values)
        return found.ravel() if found.shape[1] == 1 else found  # type: ignore[no-any-return]

    return {"predict": predict}


@known("neural_network._multilayer_perceptron.MLPClassifier")
def _perceptron_classifier(model: Any, survey: Survey) -> Methods:
    forward, binarizer = _forward(model), model._label_binarizer
    if binarizer.y_type_ not in ("binary", "multiclass") or binarizer.sparse_input_:
        raise LookupError
    classes, is_binary = binarizer.classes_, binarizer.y_type_ == "binary"

    def predict(values: Values) -> Array:
        found = forward(values)
        if is_binary:
            return classes[(found > 0.5).astype(int).ravel()]  # type: ignore[no-any-return]
        return classes.take(found.argmax(axis=1), mode="clip")  # type: ignore[no-any-return]

    def probabilities(values: Values) -> Array:
        found = forward(values)
        return np.vstack([1 - found.ravel(), found.ravel()]).T if is_binary else found

    return with_logarithm({"predict": predict}, probabilities)


def _forward(model: Any) -> Compute:
    """The way through all layers."""
    from sklearn.neural_network._base import ACTIVATIONS

    layers = list(zip(model.coefs_, model.intercepts_, strict=True))
    hidden, last = ACTIVATIONS[model.activation], ACTIVATIONS[model.out_activation_]

    def forward(values: Values) -> Array:
        found = finite(values)
        for number, (weights, shift) in enumerate(layers, start=1):
            found = found @ weights
            found += shift
            if number < len(layers):
                hidden(found)
        last(found)
        return found

    return forward


@known("naive_bayes.GaussianNB")
def _gaussian(model: Any, survey: Survey) -> Methods:
    module: Any = sys.modules[type(model).__module__]
    total = getattr(module, "_logsumexp", None) or module.logsumexp
    classes = model.classes_
    parts = [
        (np.log(prior), -0.5 * np.sum(np.log(2.0 * np.pi * variance)), mean, variance)
        for prior, mean, variance in zip(model.class_prior_, model.theta_, model.var_, strict=True)
    ]

    def likelihood(values: Values) -> Array:
        numbers = finite(values)
        found = [
            prior + (norm - 0.5 * np.sum(((numbers - mean) ** 2) / variance, axis=1))
            for prior, norm, mean, variance in parts
        ]
        return np.array(found).T

    def logarithms(values: Values) -> Array:
        found = likelihood(values)
        return found - np.atleast_2d(total(found, axis=1)).T  # type: ignore[no-any-return]

    return {
        "predict": lambda values: classes[likelihood(values).argmax(axis=1)],
        "predict_log_proba": logarithms,
        "predict_proba": lambda values: np.exp(logarithms(values)),
    }


@known("cluster._kmeans.KMeans", "cluster._kmeans.MiniBatchKMeans")
def _clusters(model: Any, survey: Survey) -> Methods:
    """The nearest center by the library's own compiled code, with one thread."""
    from sklearn.cluster._kmeans import _labels_inertia

    centers = model.cluster_centers_

    def predict(values: Values) -> Array:
        numbers = np.ascontiguousarray(finite(values))
        if centers.dtype != numbers.dtype:
            raise Elsewhere
        weights = np.ones(len(numbers))
        return _labels_inertia(  # type: ignore[no-any-return]
            numbers, weights, centers, n_threads=1, return_inertia=False
        )

    return {"predict": predict}
