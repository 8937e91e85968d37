"""Estimators around others, networks, Bayes and clusters: answers as the library gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.datasets import make_classification, make_regression
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from handler.invocation.fast import trees
from handler.invocation.fast.shortcut import shortcuts_to
from tests.serving.fast.comparing import compare, slices, warmed

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
    (KNeighborsClassifier(algorithm="kd_tree"), BOTH),
    (KNeighborsClassifier(4, algorithm="ball_tree", weights="distance", p=1), BOTH),
    (KNeighborsClassifier(algorithm="brute"), ()),
    (LinearDiscriminantAnalysis(), (*PROBABILITIES, "decision_function")),
    (BaggingClassifier(n_estimators=5), BOTH),
    (BaggingClassifier(LogisticRegression(), n_estimators=5, max_features=3), BOTH),
    (BaggingClassifier(n_estimators=5, n_jobs=2), ()),
    (StackingClassifier(PARTS, cv=2), (*BOTH, "decision_function", "transform")),
    (StackingClassifier([("a", LinearSVC()), ("b", "drop"), ("c", GaussianNB())], cv=2,
                        final_estimator=DecisionTreeClassifier(max_depth=3)),
     (*BOTH, "transform")),
    (StackingClassifier(PARTS, cv=2, passthrough=True), ()),
]  # fmt: skip
REGRESSORS = [
    SVR(),
    VotingRegressor([("a", Ridge()), ("b", RandomForestRegressor(5))], weights=[1, 3]),
    MLPRegressor(hidden_layer_sizes=(9,), max_iter=50),
    MLPRegressor(hidden_layer_sizes=(9, 4), activation="logistic", max_iter=50),
    AdaBoostRegressor(n_estimators=9),
    BaggingRegressor(n_estimators=5),
    BaggingRegressor(Ridge(), n_estimators=5, max_features=3),
    KNeighborsRegressor(),
    KNeighborsRegressor(weights="distance"),
]
SEVERAL_OUTPUTS = [
    Ridge(),
    DecisionTreeRegressor(max_depth=4),
    RandomForestRegressor(9),
    ExtraTreesRegressor(9),
    KNeighborsRegressor(),
    KNeighborsRegressor(weights="distance"),
    MLPRegressor(hidden_layer_sizes=(9,), max_iter=50),
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


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("model", SEVERAL_OUTPUTS, ids=str)
def test_several_outputs(model: Any) -> None:
    X, y = make_regression(300, 8, n_targets=3, noise=1.0, random_state=0)
    compare(model.fit(X, y / 50), slices(X), ["predict"])


def test_a_forest_of_several_outputs_that_is_asked_tree_by_tree(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trees, "MOST_CELLS", 100)
    X, y = make_regression(300, 8, n_targets=3, noise=1.0, random_state=0)
    compare(RandomForestRegressor(9).fit(X, y), slices(X), ["predict"])


@pytest.mark.parametrize("passed", [StackingRegressor, VotingRegressor])
def test_around_pipelines_on_named_columns(passed: Any) -> None:
    X, y = make_regression(300, 3, noise=1.0, random_state=0)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    parts = [("a", make_pipeline(StandardScaler(), Ridge())), ("b", RandomForestRegressor(5))]
    methods = ["predict", "transform"] if passed is StackingRegressor else ["predict"]
    compare(passed(parts).fit(frame, y), slices(frame), methods)


def test_neighbors_that_are_too_far_away_to_count_are_the_librarys_error() -> None:
    X, y = make_classification(300, 8, n_informative=6, n_classes=3, random_state=0)
    model = KNeighborsClassifier(algorithm="kd_tree", weights="distance").fit(X, y)
    shortcut = shortcuts_to(model)["predict"]
    warmed(shortcut, [X[:1], X[:9]])
    with pytest.raises(ValueError, match="zero weights"):
        shortcut(np.full((1, 8), 1e300))
