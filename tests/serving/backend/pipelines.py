"""Pipelines around fitted models of every sort, and around functions of a user's own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from contract.signature import Signature
from contract.signature_from_estimator import signature_of
from handler.invocation.pipeline import Pipeline
from handler.invocation.user_functions import UserFunctions

NAMES = ("a", "b", "c")
MIXED_NAMES = ("colour", "b", "c")
GENERATOR = np.random.default_rng(7)
X = GENERATOR.normal(size=(60, 3)) * 100
LABELS = np.array(["low", "middle", "high"])[np.digitize(X @ [1.0, -2.0, 0.5], [-100, 100])]
FIGURES = X @ [0.3, -1.2, 0.7] + 5
TABLE = pd.DataFrame(X, columns=list(NAMES))
MIXED = TABLE.drop(columns="a")
MIXED.insert(0, "colour", GENERATOR.choice(["red", "green"], len(X)))
TEXTS = ["good fine nice", "bad poor sad", "fine nice", "sad bad"]


def without_limit(seconds: float) -> AbstractContextManager[None]:
    """For code that surely ends: a limit's timer would cost more than all the rest."""
    return nullcontext()


def coloured(rest: Any, last: Any) -> Any:
    encoder = OneHotEncoder(handle_unknown="ignore")
    return make_pipeline(make_column_transformer((encoder, ["colour"]), remainder=rest), last)


OF_NUMBERS: dict[str, Callable[[], Any]] = {
    "tree": lambda: DecisionTreeClassifier(random_state=0).fit(X, LABELS),
    "logistic": lambda: make_pipeline(MaxAbsScaler(), LogisticRegression()).fit(X, LABELS),
    "vectors": lambda: SVC().fit(X, LABELS),
    "boosted": lambda: HistGradientBoostingClassifier(max_iter=5).fit(X, LABELS),
    "linear": lambda: LinearRegression().fit(X, FIGURES),
    "linear of two": lambda: LinearRegression().fit(X, np.column_stack([FIGURES, -FIGURES])),
    "forest": lambda: RandomForestRegressor(5, random_state=0).fit(X, FIGURES),
    "neighbours": lambda: KNeighborsRegressor(3).fit(X, FIGURES),
    "tree of two": lambda: DecisionTreeClassifier().fit(X, np.column_stack([LABELS, LABELS[::-1]])),
    "scaler": lambda: StandardScaler().fit(X),
    "sparse scaler": lambda: MaxAbsScaler().fit(X),
    "components": lambda: PCA(2).fit(X),
}
TAKE_SPARSE = ("logistic", "linear", "sparse scaler")
OF_TABLES: dict[str, tuple[pd.DataFrame, Callable[[], Any]]] = {
    "named": (TABLE, lambda: LinearRegression().fit(TABLE, FIGURES)),
    "mixed": (
        MIXED,
        lambda: coloured("passthrough", LogisticRegression(max_iter=10_000)).fit(MIXED, LABELS),
    ),
    "mixed figures": (
        MIXED,
        lambda: coloured(StandardScaler(), LinearRegression()).fit(MIXED, FIGURES),
    ),
}


@cache
def of_numbers(name: str) -> Pipeline:
    """A model of three numbers; what it takes is what scikit-learn noted itself."""
    return around(OF_NUMBERS[name]())


@cache
def of_table(name: str) -> Pipeline:
    """A model of three named columns, with a signature."""
    table, fit = OF_TABLES[name]
    model = fit()
    return Pipeline(model, signature=Signature.of_data(model, table), limit=without_limit)


@cache
def of_texts() -> Pipeline:
    """A model of one text."""
    return around(make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, [1, 0, 1, 0]))


def around(model: Any, **functions: Callable[..., Any]) -> Pipeline:
    """A pipeline of a model and functions of a user's own, by the names they have in a module."""
    module = ModuleType("inference")
    vars(module).update(functions)
    user = UserFunctions.of_module(module)
    return Pipeline(model, user, signature_of(model), limit=without_limit)
