"""Estimators around others, networks, Bayes and clusters: answers as the library gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import (
    AdaBoostClassifier,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier

from tests.serving.fast.comparing import compare, slices

BOTH = ("predict", "predict_proba")
PROBABILITIES = (*BOTH, "predict_log_proba")
SCORES = ("predict", "decision_function")
PARTS = [("a", LogisticRegression()), ("b", RandomForestClassifier(5)), ("c", GaussianNB())]
CLASSIFIERS = [
    (VotingClassifier(PARTS), ("predict",)),
    (VotingClassifier(PARTS, weights=[1, 2, 1.5]), ("predict",)),
    (VotingClassifier(PARTS, voting="soft", weights=[1, 2, 1]), BOTH),
    (CalibratedClassifierCV(LinearSVC(), cv=2), BOTH),
    (CalibratedClassifierCV(RandomForestClassifier(5), method="isotonic", cv=3), BOTH),
    (CalibratedClassifierCV(make_pipeline(StandardScaler(), LinearSVC()), ensemble=False), BOTH),
    (AdaBoostClassifier(n_estimators=9), (*PROBABILITIES, "decision_function")),
    (AdaBoostClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=9),
     (*PROBABILITIES, "decision_function")),
    (GaussianNB(), PROBABILITIES),
    (SVC(), SCORES),
    (SVC(kernel="poly", decision_function_shape="ovo"), SCORES),
    (NuSVC(nu=0.2), SCORES),
    (MLPClassifier((9, 7), max_iter=50), PROBABILITIES),
    (MLPClassifier((9,), activation="tanh", max_iter=50), PROBABILITIES),
    (IsolationForest(n_estimators=9), SCORES),
    (KMeans(3, n_init=1), ("predict",)),
]  # fmt: skip
REGRESSORS = [
    SVR(),
    VotingRegressor([("a", Ridge()), ("b", RandomForestRegressor(5))], weights=[1, 3]),
    MLPRegressor(hidden_layer_sizes=(9,), max_iter=50),
    MLPRegressor(hidden_layer_sizes=(9, 4), activation="logistic", max_iter=50),
]


@pytest.mark.filterwarnings("ignore:divide by zero encountered in log")
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.filterwarnings("ignore:The SAMME.R algorithm")
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("model", "methods"), CLASSIFIERS, ids=str)
def test_classifiers(model: Any, methods: Any, classes: int) -> None:
    X, y = make_classification(
        300, 8, n_informative=6, n_redundant=0, n_classes=classes, random_state=0
    )
    model.fit(X, np.array([f"class {label}" for label in y]))
    batches = [*slices(X), np.asfortranarray(X[5:40]), X[::3][:20]]
    if getattr(model, "algorithm", "") == "SAMME.R":
        methods = ()  # before scikit-learn 1.6
    compare(model, batches, methods)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("model", REGRESSORS, ids=str)
def test_regressors(model: Any) -> None:
    X, y = make_regression(300, 8, noise=1.0, random_state=0)
    compare(model.fit(X, y / 50), slices(X), ["predict"])
