"""The short way to scikit-learn's predictions gives what the library gives, to the last bit."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_classifier
from sklearn.datasets import make_classification, make_regression
from sklearn.decomposition import NMF
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from handler.invocation.default_prediction import predictor_of
from handler.invocation.fast.shortcut import TRIALS, Shortcut
from tests.serving.fast.comparing import library_forbidden, warmed

COLUMNS = 8
NAMES = [f"x{number}" for number in range(COLUMNS)]


def table(model: Any, classes: int = 3, rows: int = 300) -> tuple[Any, Any]:
    """Data that suits a model."""
    if not is_classifier(model):
        return make_regression(rows, COLUMNS, noise=1.0, random_state=0)
    X, y = make_classification(
        rows, COLUMNS, n_informative=6, n_redundant=0, n_classes=classes, random_state=0
    )
    return X, np.array([f"class {label}" for label in y])


@pytest.mark.parametrize("estimator", [LogisticRegression(), Ridge()], ids=str)
def test_a_model_fitted_on_a_table(estimator: Any) -> None:
    X, y = table(estimator)
    frame = pd.DataFrame(X, columns=NAMES)
    frame["x3"] = (100 * frame["x3"]).astype(int)
    model = make_pipeline(StandardScaler(), estimator).fit(frame, y)
    predictor = predictor_of(model)
    assert isinstance(predictor, Shortcut)
    warmed(predictor, [frame[:2]])
    expected = model.predict(frame[:5])
    with library_forbidden(predictor):
        assert predictor(frame[:5]).tobytes() == expected.tobytes()
        for unlike in (X[:5], frame[:5].rename(columns={"x1": "other"}), frame[NAMES[::-1]][:5]):
            with pytest.raises(AssertionError, match="the library was asked"):
                predictor(unlike)


@pytest.mark.parametrize(
    "given",
    [
        np.full((1, COLUMNS), np.nan),
        np.full((1, COLUMNS), np.inf),
        np.full((2, COLUMNS - 1), 1.0),
        np.full(COLUMNS, 1.0),
        np.full((0, COLUMNS), 1.0),
        np.full((1, COLUMNS), "a"),
    ],
    ids=["missing", "infinite", "too few columns", "one dimension", "no rows", "text"],
)
def test_errors_are_the_librarys_own(given: Any) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(*table(LogisticRegression()))
    with pytest.raises(ValueError, match=r".") as expected:
        model.predict(given)
    predictor = predictor_of(model)
    for _ in range(TRIALS):
        predictor(np.zeros((1, COLUMNS)))
    with pytest.raises(ValueError, match=re.escape(str(expected.value))):
        predictor(given)


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_what_overflows_between_two_steps_is_the_librarys() -> None:
    """A tree takes single precision: what a scaler has made too large for that is an error."""
    X, y = table(Ridge())
    model = make_pipeline(MinMaxScaler((0, 1e30)), RandomForestRegressor(3)).fit(X, y)
    predictor = predictor_of(model)
    for _ in range(TRIALS):
        predictor(X[:1])
    with pytest.raises(ValueError, match="too large for dtype"):
        predictor(X[:1] + 1e12)


def test_missing_values_that_a_forest_knows() -> None:
    X, y = table(LogisticRegression())
    X[::3, 2] = np.nan
    model = RandomForestClassifier(20, random_state=0).fit(X, y)
    predictor = predictor_of(model)
    for _ in range(2):
        assert (predictor(X) == model.predict(X)).all()
        for at in range(TRIALS):
            assert predictor(X[at : at + 1]) == model.predict(X[at : at + 1])


class Special(LogisticRegression):
    """One that may predict in a way of its own."""


def overridden() -> Any:
    model = LogisticRegression()
    model.predict = lambda X: np.zeros(len(X))
    return model


@pytest.mark.parametrize(
    "model",
    [
        Special(),
        overridden(),
        NMF(2),
        make_pipeline(MinMaxScaler(clip=True), NMF(2), LogisticRegression()),
        make_pipeline(StandardScaler().set_output(transform="pandas"), LogisticRegression()),
        make_pipeline(StandardScaler(copy=False), LogisticRegression()),
        Pipeline([("only", Special())]),
    ],
    ids=str,
)
def test_what_is_not_known_exactly_is_left_alone(model: Any) -> None:
    X, y = table(LogisticRegression())
    model.fit(np.abs(X), y)
    assert not isinstance(predictor_of(model), Shortcut)


def test_classes_of_several_outputs_and_sparse_weights_are_left_alone() -> None:
    X, y = table(LogisticRegression())
    two = RandomForestClassifier(3).fit(X, np.column_stack([y, y]))
    thin = LogisticRegression().fit(*table(LogisticRegression())).sparsify()
    assert not isinstance(predictor_of(two), Shortcut)
    assert not isinstance(predictor_of(thin), Shortcut)


def test_a_pipeline_of_nothing_transforms_as_ever() -> None:
    model = make_pipeline("passthrough").fit(np.zeros((2, 2)))
    assert predictor_of(model)([[1.0, 2.0]]) == [[1.0, 2.0]]


def test_what_the_short_way_cannot_compute_is_the_librarys() -> None:
    """Such as an intercept that is none: its error, not one of ours."""
    model = Ridge().fit(*table(Ridge()))
    model.intercept_ = None
    with pytest.raises(TypeError) as expected:
        model.predict(np.zeros((1, COLUMNS)))
    with pytest.raises(TypeError, match=re.escape(str(expected.value))):
        predictor_of(model)(np.zeros((1, COLUMNS)))


def test_a_model_that_is_not_fitted_says_so() -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression())
    with pytest.raises(NotFittedError):
        predictor_of(model)(np.zeros((1, COLUMNS)))


@pytest.mark.parametrize("other", [lambda X: X[:, 0], lambda X: list(X[:, 0])])
def test_a_library_that_computes_otherwise_is_believed(
    other: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = table(Ridge())
    model = Ridge().fit(X, y)
    monkeypatch.setattr(Ridge, "predict", lambda self, X: other(X))
    predictor = predictor_of(model)
    for at in range(3 * TRIALS):
        assert list(predictor(X[at : at + 2])) == list(other(X[at : at + 2]))
