"""How long the short ways to predictions take, as a share of the library's own methods.

Both take turns on the same data in one process. What is written is a table of the medians.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from sklearn.svm import LinearSVC

from benchmarks import models
from handler.invocation.fast.shortcut import TRIALS, Shortcut, shortcuts_to

ROUNDS = 7
SECONDS = 0.15
ROWS = (1, 16, 256)
NOT_TIMED = {"predict_log_proba", "decision_function"}


def fitted() -> Iterator[tuple[str, Any, Any]]:
    """Models with what they are asked, by what they are called."""
    X, y = make_classification(2000, 20, n_informative=10, n_classes=3, random_state=0)
    wide, classes = make_classification(5000, 50, n_informative=20, n_classes=3, random_state=0)
    for name, estimator in (
        ("scaler, logistic regression", make_pipeline(StandardScaler(), LogisticRegression())),
        ("scaler, PCA, logistic regression",
         make_pipeline(StandardScaler(), PCA(8), LogisticRegression())),
        ("random forest, 100 trees", RandomForestClassifier(random_state=0)),
        ("gradient boosting, 3 classes", GradientBoostingClassifier()),
        ("AdaBoost, 50 trees", AdaBoostClassifier()),
        ("isolation forest, 100 trees", IsolationForest()),
        ("calibrated linear SVC, 5 folds", CalibratedClassifierCV(LinearSVC())),
        ("soft vote of three", VotingClassifier(
            [("a", LogisticRegression()), ("b", RandomForestClassifier(50)), ("c", GaussianNB())],
            voting="soft")),
        ("linear discriminants", LinearDiscriminantAnalysis()),
        ("bagging, 10 trees", BaggingClassifier()),
        ("5 nearest neighbours in a tree", KNeighborsClassifier(algorithm="kd_tree")),
        ("Gaussian naive Bayes", GaussianNB()),
        ("neural network", MLPClassifier(max_iter=20)),
        ("k-means", KMeans(5)),
    ):  # fmt: skip
        yield name, estimator.fit(X, y), X
    boosting = HistGradientBoostingClassifier(random_state=0)
    yield "histogram boosting, 50 columns, 3 classes", boosting.fit(wide, classes), wide
    penguins, table, species = models.penguins()
    yield "imputer, scaler, one-hot, logistic regression", penguins.fit(table, species), table
    forest, _, _ = models.penguins_forest()
    yield "the same before a forest of 100 trees", forest.fit(table, species), table
    coded = make_column_transformer(
        (SimpleImputer(add_indicator=True), models.NUMBERS),
        (OrdinalEncoder(encoded_missing_value=-1), models.CATEGORIES),
    )
    ordinal = make_pipeline(coded, HistGradientBoostingClassifier(max_iter=50))
    yield "imputer, ordinal, histogram boosting", ordinal.fit(table, species), table


def main() -> None:
    print("| model | method | " + " | ".join(f"{rows} rows" for rows in ROWS) + " |")
    print("|---|---|" + "---|" * len(ROWS))
    for name, model, data in fitted():
        for method, shortcut in shortcuts_to(model).items():
            if method not in NOT_TIMED:
                shares = [_share(shortcut, data[:rows]) for rows in ROWS]
                print(f"| {name} | `{method}` | " + " | ".join(shares) + " |", flush=True)


def _share(shortcut: Shortcut, data: Any) -> str:
    for _ in range(TRIALS):
        shortcut(data)
    shares = [
        _seconds(lambda: shortcut(data)) / _seconds(lambda: shortcut._predict(data))
        for _ in range(ROUNDS)
    ]
    return f"{statistics.median(shares):.2f}"


def _seconds(call: Callable[[], Any]) -> float:
    """Seconds of one call, on average."""
    calls, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < SECONDS:
        call()
        calls += 1
    return passed / calls


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
