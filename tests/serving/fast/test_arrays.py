"""Predictors and transformers of plain arrays: each method is the library's, to the last bit."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import make_classification, make_regression
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_regression
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    BayesianRidge,
    HuberRegressor,
    LogisticRegression,
    Perceptron,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from handler.invocation.fast.shortcut import shortcuts_to
from tests.serving.fast.comparing import assert_same, compare, gaps, slices, warmed

COLUMNS = 8
PROBABILITIES = ("predict", "predict_proba", "predict_log_proba")
CLASSIFIERS = [
    (LogisticRegression(), (*PROBABILITIES, "decision_function")),
    (SGDClassifier(random_state=0), ("predict", "decision_function")),
    (SGDClassifier(loss="log_loss", random_state=0), (*PROBABILITIES, "decision_function")),
    (LinearSVC(), ("predict", "decision_function")),
    (Perceptron(), ("predict", "decision_function")),
    (RidgeClassifier(), ("predict", "decision_function")),
    (DecisionTreeClassifier(random_state=0), PROBABILITIES),
    (RandomForestClassifier(20, random_state=0), PROBABILITIES),
    (ExtraTreesClassifier(20, random_state=0), PROBABILITIES),
    (
        HistGradientBoostingClassifier(max_iter=20),
        ("predict", "predict_proba", "decision_function"),
    ),
    (GradientBoostingClassifier(n_estimators=20), (*PROBABILITIES, "decision_function")),
    (
        GradientBoostingClassifier(n_estimators=5, init="zero"),
        (*PROBABILITIES, "decision_function"),
    ),
]
REGRESSORS = [
    Ridge(),
    BayesianRidge(),
    HuberRegressor(max_iter=1000),
    SGDRegressor(random_state=0),
    LinearSVR(random_state=0),
    PoissonRegressor(max_iter=1000),
    TweedieRegressor(power=1.5, max_iter=1000),
    DecisionTreeRegressor(random_state=0),
    RandomForestRegressor(20, random_state=0),
    ExtraTreesRegressor(1, random_state=0),
    HistGradientBoostingRegressor(max_iter=20),
    HistGradientBoostingRegressor(loss="poisson", max_iter=20),
    GradientBoostingRegressor(n_estimators=20, random_state=0),
    GradientBoostingRegressor(loss="quantile", n_estimators=20, random_state=0),
]
TRANSFORMERS = [
    StandardScaler(),
    StandardScaler(with_std=False),
    MinMaxScaler((-1, 2)),
    MinMaxScaler(clip=True),
    MaxAbsScaler(),
    RobustScaler(),
    RobustScaler(with_centering=False),
    PowerTransformer(),
    PowerTransformer(standardize=False),
    make_pipeline(MinMaxScaler((1, 2), clip=True), PowerTransformer("box-cox")),
    SimpleImputer(),
    SimpleImputer(strategy="median", add_indicator=True),
    SimpleImputer(strategy="constant", fill_value=3.0),
    PCA(3),
    PCA(3, whiten=True),
    TruncatedSVD(3),
    SelectKBest(f_regression, k=3),
    VarianceThreshold(),
    PolynomialFeatures(),
    PolynomialFeatures(3, interaction_only=True, include_bias=False),
    PolynomialFeatures(3, order="F"),
    KBinsDiscretizer(encode="ordinal", strategy="uniform", subsample=None),
    KBinsDiscretizer(encode="onehot-dense", strategy="uniform", subsample=None),
    FunctionTransformer(np.square),
    FunctionTransformer(),
    FeatureUnion([("one", PCA(2)), ("two", StandardScaler())]),
    ColumnTransformer([("a", StandardScaler(), [0, 3, 2]), ("b", "passthrough", [5])]),
    ColumnTransformer([("a", PCA(2), np.arange(8) % 2 == 0)], remainder=MinMaxScaler()),
]


def table(model: Any, classes: int = 3, rows: int = 300) -> tuple[Any, Any]:
    if not is_classifier(model):
        X, y = make_regression(rows, COLUMNS, noise=1.0, random_state=0)
        return X, np.abs(y) / 50
    X, y = make_classification(
        rows, COLUMNS, n_informative=6, n_redundant=0, n_classes=classes, random_state=0
    )
    return X, np.array([f"class {label}" for label in y])


def layouts(X: Any) -> list[Any]:
    return [*slices(X), np.asfortranarray(X[5:40]), X[::3][:20]]


@pytest.mark.filterwarnings("ignore:divide by zero encountered in log")
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("model", "methods"), CLASSIFIERS, ids=str)
def test_classifiers(model: Any, methods: Any, classes: int) -> None:
    X, y = table(model, classes)
    compare(model.fit(X, y), layouts(X), methods)


@pytest.mark.parametrize("model", REGRESSORS, ids=str)
def test_regressors(model: Any) -> None:
    X, y = table(model)
    compare(model.fit(X, y), layouts(X), ["predict"])


def name(model: Any) -> str:
    """What a case is called: the same in every process, so without the addresses of functions."""
    return re.sub(r" at 0x\w+", "", str(model))


@pytest.mark.parametrize("model", TRANSFORMERS, ids=name)
def test_transformers(model: Any) -> None:
    X, y = table(Ridge())
    compare(model.fit(X, y), layouts(X), ["transform"])


@pytest.mark.parametrize("model", TRANSFORMERS, ids=name)
def test_behind_transformers(model: Any) -> None:
    X, y = table(Ridge())
    pipeline = make_pipeline(model, Ridge()).fit(X, y)
    compare(pipeline, layouts(X), ["predict"])


@pytest.mark.parametrize(
    "model", [model for model in TRANSFORMERS if "Impute" in str(model) or "Scaler" in str(model)],
    ids=str,
)  # fmt: skip
def test_missing_values(model: Any) -> None:
    X, y = table(Ridge())
    X = gaps(X)
    if "Column" in str(model) or "Union" in str(model) or "box" in str(model):
        pytest.skip("holds what takes no missing values")
    pipeline = make_pipeline(model, HistGradientBoostingRegressor(max_iter=5)).fit(X, y)
    compare(pipeline, layouts(X), ["predict"])


@pytest.mark.parametrize("classes", [2, 3])
def test_histogram_boosting_with_categories_and_missing_values(classes: int) -> None:
    X, y = table(LogisticRegression(), classes)
    X[:, 2] = np.round(np.abs(3 * X[:, 2]))
    X[:, 5] = np.round(np.abs(2 * X[:, 5]))
    X = gaps(X)
    model = HistGradientBoostingClassifier(max_iter=10, categorical_features=[2, 5]).fit(X, y)
    X[3, 2], X[8, 5], X[25, 1] = 77, 78, np.inf
    compare(model, layouts(X), ["predict", "predict_proba", "decision_function"])


def test_single_precision_for_trees() -> None:
    X, y = table(Ridge())
    for model in (RandomForestRegressor(5), HistGradientBoostingRegressor(max_iter=5)):
        compare(model.fit(X, y), [X[:9].astype(np.float32), X[:1].astype(np.float32)], ["predict"])


@pytest.mark.parametrize("model", TRANSFORMERS, ids=name)
def test_what_is_transformed_may_be_written_to(model: Any) -> None:
    """Nothing of it is the caller's own data."""
    X, y = table(Ridge())
    shortcut = shortcuts_to(model.fit(X, y))["transform"]
    for rows in (X[:1].copy(), X[:9].copy()):
        warmed(shortcut, [rows])
        before = rows.copy()
        if isinstance(model, FunctionTransformer) and model.func is None:
            continue  # which is the caller's own data in the library, too
        shortcut(rows)[:] = -7
        assert rows.tobytes() == before.tobytes()


@pytest.mark.parametrize(
    "odd",
    [
        np.full((2, COLUMNS), 1.5, dtype=np.float16),
        np.full((2, COLUMNS), 1.5, dtype=">f8"),
        np.full((2, COLUMNS), -(2**63)),
        np.full((2, COLUMNS), 2**53 + 1),
        np.broadcast_to(np.linspace(0, 1, COLUMNS), (4, COLUMNS)),
    ],
    ids=["half", "other byte order", "least", "beyond a float", "one row for all"],
)
@pytest.mark.parametrize(
    "model",
    [RandomForestRegressor(3), make_pipeline(StandardScaler(), Ridge()), SimpleImputer()],
    ids=str,
)
def test_numbers_of_odd_kinds(model: Any, odd: Any) -> None:
    """Once it is believed, also what it was never compared with; warnings are errors here."""
    X, y = table(Ridge())
    (name, shortcut), *_ = shortcuts_to(model.fit(X, y)).items()
    warmed(shortcut, [X[:1], X[:9]])
    shortcut._trials = dict.fromkeys(
        [(one, 0, dtype) for one in (False, True) for dtype in ("float16", ">f8", "int64")], 0
    ) | shortcut._trials  # fmt: skip
    assert_same(shortcut(odd), getattr(model, name)(odd))


@pytest.mark.parametrize(
    "model",
    [
        GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": [0.1, 1]}, cv=2),
        TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
        TransformedTargetRegressor(RandomForestRegressor(5), transformer=StandardScaler()),
    ],
    ids=lambda one: type(one).__name__,
)
def test_around_others(model: Any) -> None:
    X, y = table(Ridge())
    compare(model.fit(X, y), layouts(X), ["predict"])
