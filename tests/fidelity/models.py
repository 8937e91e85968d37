"""Models of all sorts, and the data that they are fitted on, for the oracle."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn import (
    calibration,
    cluster,
    compose,
    decomposition,
    discriminant_analysis,
    dummy,
    ensemble,
    feature_extraction,
    feature_selection,
    gaussian_process,
    impute,
    linear_model,
    mixture,
    model_selection,
    multiclass,
    multioutput,
    naive_bayes,
    neighbors,
    neural_network,
    preprocessing,
    semi_supervised,
    svm,
    tree,
)  # fmt: skip
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.pipeline import make_pipeline, make_union

ROWS, SHOWN = 48, 5
GENERATOR = np.random.default_rng(11)
FIGURES = np.round(GENERATOR.normal(size=(ROWS, 3)) * 10 + 20, 3)
WHOLE = GENERATOR.integers(0, 9, size=(ROWS, 3))
LABELS = np.array(["low", "middle", "high"])[GENERATOR.integers(0, 3, ROWS)]
TARGET = FIGURES @ [0.3, -1.2, 0.7] + 5
TEXTS = ["good fine film", "bad sad", "fine, nice", "a bad film", "so sad"] * (ROWS // 5)
OPINIONS = [1, 0, 1, 0, 0] * (ROWS // 5)
MIXED = pd.DataFrame(
    {
        "zip": GENERATOR.choice(["02134", "10001", "NA"], ROWS),
        "size": FIGURES[:, 0],
        "rooms": WHOLE[:, 0],
        "note": GENERATOR.choice(["x y", "y z", "z"], ROWS),
    }
)
RECORDS = [{"city": f"c{row % 4}", "size": float(row % 5)} for row in range(ROWS)]

LOGISTIC = linear_model.LogisticRegression
Fit = Callable[[Any], Any]


def _fitted(make: Callable[[], Any], target: Any) -> Fit:
    return lambda X: make().fit(X, target)


_TREE = tree.DecisionTreeClassifier(max_depth=3, random_state=0)
_PAIR = [("a", LOGISTIC(max_iter=500)), ("b", _TREE)]
_CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "logistic": lambda: LOGISTIC(max_iter=500),
    "sgd": lambda: linear_model.SGDClassifier(random_state=0),
    "ridge": linear_model.RidgeClassifier,
    "perceptron": linear_model.Perceptron,
    "linear vectors": svm.LinearSVC,
    "vectors": svm.SVC,
    "neighbours": neighbors.KNeighborsClassifier,
    "brute neighbours": lambda: neighbors.KNeighborsClassifier(3, algorithm="brute"),
    "centroids": neighbors.NearestCentroid,
    "bayes": naive_bayes.GaussianNB,
    "bernoulli": lambda: naive_bayes.BernoulliNB(binarize=20),
    "tree": lambda: tree.DecisionTreeClassifier(random_state=0),
    "forest": lambda: ensemble.RandomForestClassifier(5, random_state=0),
    "extra trees": lambda: ensemble.ExtraTreesClassifier(5, random_state=0),
    "gradient boosting": lambda: ensemble.GradientBoostingClassifier(n_estimators=3),
    "histogram boosting": lambda: ensemble.HistGradientBoostingClassifier(max_iter=3),
    "ada": lambda: ensemble.AdaBoostClassifier(n_estimators=3),
    "bagging": lambda: ensemble.BaggingClassifier(_TREE, n_estimators=3, random_state=0),
    "voting": lambda: ensemble.VotingClassifier(_PAIR),
    "stacking": lambda: ensemble.StackingClassifier(_PAIR, cv=2),
    "network": lambda: neural_network.MLPClassifier((4,), max_iter=30, random_state=0),
    "linear discriminant": discriminant_analysis.LinearDiscriminantAnalysis,
    "quadratic discriminant": discriminant_analysis.QuadraticDiscriminantAnalysis,
    "gaussian process": gaussian_process.GaussianProcessClassifier,
    "calibrated": lambda: calibration.CalibratedClassifierCV(_TREE, cv=2),
    "one against rest": lambda: multiclass.OneVsRestClassifier(_TREE),
    "one against one": lambda: multiclass.OneVsOneClassifier(_TREE),
    "propagation": lambda: semi_supervised.LabelSpreading(kernel="knn"),
    "most frequent": dummy.DummyClassifier,
    "search": lambda: model_selection.GridSearchCV(_TREE, {"max_depth": [1, 2]}, cv=2),
    "scaled": lambda: make_pipeline(preprocessing.StandardScaler(), LOGISTIC()),
    "components": lambda: make_pipeline(decomposition.PCA(2), LOGISTIC()),
    "logarithms": lambda: make_pipeline(preprocessing.FunctionTransformer(np.log1p), _TREE),
    "polynomials": lambda: make_pipeline(preprocessing.PolynomialFeatures(2), _TREE),
    "selection": lambda: make_pipeline(feature_selection.SelectKBest(k=2), _TREE),
    "imputed": lambda: make_pipeline(impute.SimpleImputer(), _TREE),
}
_REGRESSORS: dict[str, Callable[[], Any]] = {
    "linear": linear_model.LinearRegression,
    "lasso": linear_model.Lasso,
    "huber": linear_model.HuberRegressor,
    "support vectors": svm.SVR,
    "near figures": neighbors.KNeighborsRegressor,
    "regression tree": lambda: tree.DecisionTreeRegressor(random_state=0),
    "regression forest": lambda: ensemble.RandomForestRegressor(5, random_state=0),
    "boosted figures": lambda: ensemble.GradientBoostingRegressor(n_estimators=3),
    "histograms": lambda: ensemble.HistGradientBoostingRegressor(max_iter=3),
    "process": gaussian_process.GaussianProcessRegressor,
    "target scaled": lambda: compose.TransformedTargetRegressor(
        linear_model.Ridge(), transformer=preprocessing.StandardScaler()
    ),
    "column of columns": lambda: make_pipeline(
        preprocessing.MinMaxScaler(), linear_model.LinearRegression()
    ),
}
_OTHERS: dict[str, Fit] = {
    "two figures": _fitted(linear_model.LinearRegression, np.column_stack([TARGET, -TARGET])),
    "unlike outputs": _fitted(
        lambda: tree.DecisionTreeClassifier(random_state=0),
        np.column_stack([LABELS, np.where(TARGET > 0, "p", "q")]),
    ),
    "several labels": _fitted(
        lambda: multioutput.MultiOutputClassifier(_TREE),
        np.column_stack([LABELS, np.where(TARGET > 0, "p", "q")]),
    ),
    "clusters": lambda X: cluster.KMeans(3, n_init=1, random_state=0).fit(X),
    "mixture": lambda X: mixture.GaussianMixture(2, random_state=0).fit(X),
    "outliers": lambda X: ensemble.IsolationForest(n_estimators=5, random_state=0).fit(X),
    "scaler": lambda X: preprocessing.StandardScaler().fit(X),
    "projection": lambda X: decomposition.PCA(2).fit(X),
}


def _booster(module: str, name: str, target: Any, **arguments: Any) -> Fit:
    def fit(X: Any) -> Any:
        kind = getattr(importlib.import_module(module), name)
        # Several threads wait for each other where the machine has other work.
        one_thread = {"thread_count" if module == "catboost" else "n_jobs": 1}
        return kind(n_estimators=3, **one_thread, **arguments).fit(X, target)

    return fit


_QUIET = {"verbose": 0, "allow_writing_files": False}
BOOSTERS: dict[str, Fit] = {
    "xgboost": _booster("xgboost", "XGBClassifier", (TARGET > 0).astype(int)),
    "xgboost figures": _booster("xgboost", "XGBRegressor", TARGET),
    "lightgbm": _booster("lightgbm", "LGBMClassifier", LABELS, verbosity=-1, min_child_samples=2),
    "lightgbm figures": _booster("lightgbm", "LGBMRegressor", TARGET, verbosity=-1),
    "catboost": _booster("catboost", "CatBoostClassifier", LABELS, **_QUIET),
    "catboost figures": _booster("catboost", "CatBoostRegressor", TARGET, **_QUIET),
}
OF_FIGURES: dict[str, Fit] = {
    **{name: _fitted(make, LABELS) for name, make in _CLASSIFIERS.items()},
    **{name: _fitted(make, TARGET) for name, make in _REGRESSORS.items()},
    **_OTHERS,
    **BOOSTERS,
}
CONTAINERS: dict[str, Callable[[Any], Any]] = {
    "array": lambda X: X,
    "frame": lambda X: pd.DataFrame(X, columns=["a b", "b", "c"]),
    "counted frame": pd.DataFrame,
    "frame from 1": lambda X: pd.DataFrame(X, columns=[1, 2, 3]),
    "years": lambda X: pd.DataFrame(X, columns=[2019, 2020, 2021]),
    "whole numbers": lambda X: pd.DataFrame(WHOLE, columns=["a", "b", "c"]),
    "sparse": sparse.csr_matrix,
}


def _divided(last: Any, *parts: tuple[Any, Any], remainder: Any = "drop") -> Fit:
    def fit(X: Any) -> Any:
        return make_pipeline(
            compose.make_column_transformer(*parts, remainder=remainder), last
        ).fit(X, LABELS)

    return fit


_HOT = preprocessing.OneHotEncoder(handle_unknown="ignore")
_ORDINAL = preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
OF_TABLES: dict[str, Fit] = {
    "one hot": _divided(
        LOGISTIC(max_iter=500), (_HOT, ["zip"]), (preprocessing.StandardScaler(), ["size", "rooms"])
    ),
    "rest passed on": _divided(_TREE, (_HOT, ["zip", "note"]), remainder="passthrough"),
    "ordinal": _divided(
        ensemble.HistGradientBoostingClassifier(max_iter=3),
        (_ORDINAL, ["zip", "note"]), remainder="passthrough",
    ),
    "imputed and encoded": _divided(
        _TREE,
        (make_pipeline(impute.SimpleImputer(strategy="most_frequent"), _HOT), ["zip", "note"]),
        (impute.SimpleImputer(), ["size"]),
    ),
    "words and figures": _divided(
        LOGISTIC(max_iter=500), (CountVectorizer(token_pattern=r"\w"), "note"),
        (preprocessing.StandardScaler(), ["size"]),
    ),
    "by position": _divided(_TREE, (_HOT, [0]), (preprocessing.StandardScaler(), [1, 2])),
    "searched": lambda X: model_selection.GridSearchCV(
        _divided_pipeline(), {"decisiontreeclassifier__max_depth": [1, 3]}, cv=2
    ).fit(X, LABELS),
    "calibrated table": lambda X: calibration.CalibratedClassifierCV(
        _divided_pipeline(), cv=2
    ).fit(X, LABELS),
}  # fmt: skip


def _divided_pipeline() -> Any:
    parts = ((_HOT, ["zip"]), (preprocessing.StandardScaler(), ["size"]))
    return make_pipeline(compose.make_column_transformer(*parts), _TREE)


def lowered(texts: Any) -> list[str]:
    return [text.lower() for text in texts]


class Lengths(preprocessing.FunctionTransformer):  # type: ignore[misc]
    """How long each text is."""

    def transform(self, X: Any) -> Any:
        return np.array([[len(text)] for text in X])


_WORDS = make_pipeline(TfidfVectorizer(), LOGISTIC())
OF_TEXTS: dict[str, Callable[[], Any]] = {
    "tfidf": lambda: _WORDS,
    "hashed": lambda: make_pipeline(HashingVectorizer(n_features=64), LOGISTIC()),
    "union": lambda: make_pipeline(
        make_union(TfidfVectorizer(), TfidfVectorizer(analyzer="char")), LOGISTIC()
    ),
    "calibrated": lambda: calibration.CalibratedClassifierCV(_WORDS, cv=2),
    "one against rest": lambda: multiclass.OneVsRestClassifier(_WORDS),
    "voting": lambda: ensemble.VotingClassifier([("a", _WORDS), ("b", _WORDS)]),
    "stacking": lambda: ensemble.StackingClassifier([("a", _WORDS), ("b", _WORDS)], cv=2),
    "searched": lambda: model_selection.GridSearchCV(
        _WORDS, {"logisticregression__C": [1, 2]}, cv=2
    ),
    "function first": lambda: make_pipeline(
        preprocessing.FunctionTransformer(lowered), CountVectorizer(), LOGISTIC()
    ),
    "own first": lambda: make_pipeline(Lengths(), LOGISTIC()),
    "own beside": lambda: make_pipeline(make_union(Lengths(), TfidfVectorizer()), LOGISTIC()),
    "union in calibrated": lambda: calibration.CalibratedClassifierCV(
        make_pipeline(make_union(TfidfVectorizer(), CountVectorizer()), LOGISTIC()), cv=2
    ),
}
OF_RECORDS: dict[str, Callable[[], Any]] = {
    "dictionary": lambda: make_pipeline(feature_extraction.DictVectorizer(), LOGISTIC()),
    "hasher": lambda: make_pipeline(feature_extraction.FeatureHasher(16), LOGISTIC()),
    "searched dictionary": lambda: model_selection.GridSearchCV(
        make_pipeline(feature_extraction.DictVectorizer(), LOGISTIC()),
        {"logisticregression__C": [1]}, cv=2,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Fitted:
    """A fitted model, what it was fitted on, and the first rows of that."""

    model: Any
    X: Any
    rows: Any
