"""Whatever the estimator, its parameters and the data: the library's answer, or its error."""

from __future__ import annotations

import contextlib
import os
import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from handler.invocation.fast.shortcut import TRIALS, Shortcut, shortcuts_to

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(900)]
# The examples differ from run to run; by hand, with BYO_FAST_EXAMPLES=2000, they are many.
QUIET = settings(
    max_examples=int(os.environ.get("BYO_FAST_EXAMPLES", "20")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")

scalers = st.sampled_from(
    [
        StandardScaler(), StandardScaler(with_mean=False), MinMaxScaler(), MaxAbsScaler(),
        MinMaxScaler((-2, 5), clip=True), RobustScaler(), PolynomialFeatures(2),
        KBinsDiscretizer(3, encode="ordinal", strategy="uniform", subsample=None),
    ]
)  # fmt: skip
imputers = st.builds(
    SimpleImputer,
    strategy=st.sampled_from(["mean", "median", "most_frequent", "constant"]),
    fill_value=st.none() | st.floats(-9, 9),
    add_indicator=st.booleans(),
)
simple = st.one_of(
    st.builds(
        LogisticRegression, C=st.floats(0.01, 10), fit_intercept=st.booleans(), max_iter=st.just(50)
    ),
    st.builds(SGDClassifier, loss=st.sampled_from(["hinge", "log_loss"]), random_state=st.just(0)),
    st.builds(
        RandomForestClassifier,
        n_estimators=st.integers(1, 7),
        max_depth=st.none() | st.integers(1, 4),
        random_state=st.just(0),
    ),
    st.builds(GradientBoostingClassifier, n_estimators=st.integers(1, 4)),
    st.builds(
        HistGradientBoostingClassifier,
        max_iter=st.integers(1, 4),
        min_samples_leaf=st.integers(1, 20),
    ),
)
neighbours = {
    "n_neighbors": st.integers(1, 7),
    "weights": st.sampled_from(["uniform", "distance"]),
    "algorithm": st.sampled_from(["kd_tree", "ball_tree", "auto"]),
    "p": st.sampled_from([1, 2]),
}
bagged = {
    "n_estimators": st.integers(1, 5),
    "max_features": st.sampled_from([1, 1.0]),
    "random_state": st.just(0),
}


def named(predictors: list[Any]) -> list[tuple[str, Any]]:
    return [(str(place), one) for place, one in enumerate(predictors)]


several = st.lists(
    st.one_of(
        simple,
        st.just(GaussianNB()),
        st.builds(DecisionTreeClassifier, max_depth=st.integers(1, 3)),
    ),
    min_size=1,
    max_size=3,
).map(named)
predictors = st.one_of(
    simple,
    st.builds(KNeighborsClassifier, **neighbours),
    st.builds(LinearDiscriminantAnalysis, solver=st.sampled_from(["svd", "lsqr"])),
    st.builds(BaggingClassifier, st.none() | st.just(GaussianNB()), **bagged),
    st.builds(VotingClassifier, several, voting=st.sampled_from(["hard", "soft"])),
    st.builds(StackingClassifier, several, cv=st.just(2)),
)
regressors = st.one_of(
    st.builds(KNeighborsRegressor, **neighbours),
    st.builds(Ridge, alpha=st.floats(0.01, 10)),
    st.builds(DecisionTreeRegressor, max_depth=st.none() | st.integers(1, 5)),
    st.builds(RandomForestRegressor, n_estimators=st.integers(1, 7), random_state=st.just(0)),
    st.builds(ExtraTreesRegressor, n_estimators=st.integers(1, 7), random_state=st.just(0)),
    st.builds(
        AdaBoostRegressor, n_estimators=st.integers(1, 7), random_state=st.just(0),
        loss=st.sampled_from(["linear", "square", "exponential"]),
    ),
    st.builds(BaggingRegressor, st.none() | st.just(Ridge()), **bagged),
    st.just(VotingRegressor([("a", Ridge()), ("b", DecisionTreeRegressor(max_depth=2))])),
)  # fmt: skip
one_hot = st.builds(
    OneHotEncoder,
    handle_unknown=st.sampled_from(["ignore", "error", "infrequent_if_exist"]),
    drop=st.sampled_from([None, None, "first", "if_binary"]),
    max_categories=st.none() | st.integers(2, 4),
    sparse_output=st.booleans(),
)
ordinal = st.builds(
    OrdinalEncoder,
    handle_unknown=st.just("use_encoded_value"),
    unknown_value=st.sampled_from([-1, np.nan]),
    encoded_missing_value=st.sampled_from([np.nan, -5]),
    max_categories=st.none() | st.integers(2, 4),
)

numbers = st.one_of(
    st.floats(-5, 5),
    st.integers(-3, 3).map(float),
    st.sampled_from([np.nan, np.inf, -np.inf, 1e-310, -0.0, 1e39, 1e300]),
)
cells = st.one_of(
    st.sampled_from(["a", "b", "c", "d", "e", "new", None, np.nan, ""]), st.text(max_size=3)
)


@cache
def training(classes: int) -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(classes)
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=80),
            "t": rng.choice(list("abcd"), 80),
            "y": rng.normal(size=80) * 3,
            "u": rng.choice(["b", "c", "e"], 80),
        }
    )
    frame.loc[::9, ["x", "t"]] = np.nan
    return frame, rng.integers(0, classes, 80)


def outcome(method: Any, data: Any) -> tuple[Any, ...]:
    """What a call gives, in a form to compare."""
    try:
        found = method(data)
    except Exception as error:  # the library's, whatever it is
        return type(error), str(error)
    if hasattr(found, "tobytes") and found.dtype != object:
        return type(found), found.dtype, found.shape, found.tobytes()
    return type(found), found.tolist()


def check(model: Any, name: str, plain: list[Any], odd: list[Any]) -> None:
    """Check a method: over again with plain data until it is believed, then with any."""
    shortcut = shortcuts_to(model).get(name)
    if shortcut is not None:
        method = getattr(model, name)
        for data in plain:
            with contextlib.suppress(Exception):
                for _ in range(TRIALS):
                    shortcut(data)
        assert shortcut._compute is not None, "given up on data that should be alike"
        for data in (*plain, *odd):
            for _ in range(2):
                assert outcome(shortcut, data) == outcome(method, data)
        assert isinstance(shortcut, Shortcut)


@given(
    st.lists(scalers, max_size=2), st.none() | imputers, predictors, st.integers(2, 3),
    st.lists(st.lists(numbers, min_size=2, max_size=2), min_size=1, max_size=5),
    st.sampled_from(["float64", "float32", "int64", "object"]), st.sampled_from(METHODS),
)  # fmt: skip
@QUIET
def test_arrays(
    steps: Any, imputer: Any, predictor: Any, classes: int, rows: Any, dtype: str,
    name: str,
) -> None:  # fmt: skip
    frame, y = training(classes)
    X = frame[["x", "y"]].to_numpy()
    X = X if imputer is not None else np.nan_to_num(X)
    parts = [clone(one) for one in (imputer, *steps, predictor) if one is not None]
    model = make_pipeline(*parts)
    try:
        model.fit(X, y)
    except ValueError:
        return  # what can't be fitted is not served
    given_rows = np.array(rows)
    odd = [given_rows, np.asfortranarray(given_rows), given_rows.tolist(), given_rows[:, :1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        odd.append(given_rows.astype(dtype))
    check(model, name, [X[:1], X[1:9], X], odd)


@given(
    st.lists(scalers, max_size=1), regressors, st.integers(1, 3),
    st.lists(st.lists(numbers, min_size=2, max_size=2), min_size=1, max_size=5),
)  # fmt: skip
@QUIET
def test_regressors(steps: Any, predictor: Any, outputs: int, rows: Any) -> None:
    frame, _ = training(2)
    X = np.nan_to_num(frame[["x", "y"]].to_numpy())
    y = X @ np.array([[1.0, 0.5, -1.0], [0.2, -3.0, 1.0]]) + np.sin(X[:, :1])
    model = make_pipeline(*map(clone, steps), clone(predictor))
    try:
        model.fit(X, y[:, :outputs] if outputs > 1 else y[:, 0])
    except ValueError:
        return
    given_rows = np.array(rows)
    odd = [given_rows, np.asfortranarray(given_rows), given_rows.tolist(), given_rows[:, :1]]
    check(model, "predict", [X[:1], X[1:9], X], odd)


@given(
    imputers, st.lists(scalers, max_size=1), st.one_of(one_hot, ordinal), predictors,
    st.integers(2, 3), st.sampled_from(["drop", "passthrough"]), st.sampled_from([0, 0.3, 1.0]),
    st.lists(st.tuples(numbers, cells, numbers, cells), min_size=1, max_size=5),
    st.sampled_from(METHODS),
)  # fmt: skip
@QUIET
def test_tables(
    imputer: Any, steps: Any, encoder: Any, predictor: Any, classes: int, remainder: str,
    threshold: float, rows: Any, name: str,
) -> None:  # fmt: skip
    frame, y = training(classes)
    columns = make_column_transformer(
        (make_pipeline(clone(imputer), *map(clone, steps)), ["x"]),
        (clone(encoder), ["t", "u"]),
        remainder=remainder,
        sparse_threshold=threshold,
    )
    model = make_pipeline(columns, clone(predictor))
    try:
        model.fit(frame, y)
    except (ValueError, TypeError):
        return
    odd = pd.DataFrame(rows, columns=list(frame.columns))
    bare = pd.DataFrame(
        {name: pd.Series([row[at] for row in rows], dtype=object)
         for at, name in enumerate(frame.columns)}
    )  # fmt: skip
    bare = bare.astype({"x": "float64", "y": "float64"})
    check(model, name, [frame[:1], frame[2:9], frame], [odd, bare, odd[["u", "y", "t", "x"]]])
