"""lightgbm's and xgboost's own classes: what they give, without being asked for it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xgboost
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier, XGBRFRegressor

from handler.invocation.default_prediction import predictor_of
from handler.invocation.fast.shortcut import TRIALS, shortcuts_to
from tests.serving.fast.comparing import assert_same, compare, gaps, slices

BOTH = ("predict", "predict_proba")
COLUMNS = [f"number {at}" for at in range(8)]
X, LABELS = make_classification(300, 8, n_informative=6, n_classes=3, random_state=0)
X = gaps(X, 0.05)
NAMED = pd.DataFrame(X, columns=COLUMNS).assign(**{COLUMNS[2]: np.arange(300)})
SMALL: dict[str, Any] = {"n_estimators": 9}
QUIET = {**SMALL, "verbose": -1}


def kind(model: Any) -> str:
    return type(model).__name__


# Newer versions of xgboost say of some of its boosters that they will go.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*is deprecated:UserWarning"),
]
with warnings.catch_warnings(action="ignore", category=FutureWarning):
    CLASSIFIERS = [
        LGBMClassifier(**QUIET),
        LGBMClassifier(**QUIET, boosting_type="rf", bagging_freq=1, bagging_fraction=0.7),
        LGBMClassifier(**QUIET, boosting_type="dart", objective="multiclassova"),
        XGBClassifier(**SMALL),
        XGBClassifier(**SMALL, booster="dart", rate_drop=0.3),
        XGBClassifier(**SMALL, missing=-1.0, base_score=0.3),
        XGBRFClassifier(**SMALL),
    ]
    REGRESSORS = [
        LGBMRegressor(**QUIET),
        LGBMRegressor(**QUIET, objective="poisson"),
        XGBRegressor(**SMALL),
        XGBRegressor(**SMALL, objective="reg:tweedie"),
        XGBRFRegressor(**SMALL),
    ]


def fitted(model: Any, data: Any, target: np.ndarray) -> Any:
    # xgboost notes in the estimator what it was fitted for; a copy must not begin with that.
    return type(model)(**model.get_params()).fit(data, target)


@pytest.mark.parametrize("data", [X, NAMED], ids=["array", "named"])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("model", CLASSIFIERS, ids=kind)
def test_classifiers(model: Any, classes: int, data: Any) -> None:
    if classes == 2 and "multiclassova" in str(model):
        pytest.skip("it has more than two classes")
    target = LABELS % classes
    compare(fitted(model, data, target), slices(data), BOTH)


@pytest.mark.parametrize("data", [X, X.astype(np.float32), NAMED], ids=["array", "single", "named"])
@pytest.mark.parametrize("model", REGRESSORS, ids=kind)
def test_regressors(model: Any, data: Any) -> None:
    compare(fitted(model, data, LABELS * 1.5), slices(data), ("predict",))


def test_texts_as_classes() -> None:
    target = np.array(["setosa", "virginica", "other"])[LABELS]
    compare(LGBMClassifier(**QUIET).fit(X, target), slices(X), BOTH)


def test_whole_numbers() -> None:
    """lightgbm takes them in single precision where they are an array, but not in a table."""
    whole = (np.nan_to_num(X) * 2**25).astype(np.int64)
    for data in (whole, pd.DataFrame(whole, columns=COLUMNS)):
        compare(LGBMRegressor(**QUIET).fit(data, LABELS), slices(data), ("predict",))
        compare(XGBRegressor(**SMALL).fit(data, LABELS), slices(data), ("predict",))


def test_one_that_stopped_early() -> None:
    model = XGBClassifier(n_estimators=60, early_stopping_rounds=2)
    model.fit(X[:200], LABELS[:200], eval_set=[(X[200:], LABELS[200:])], verbose=False)
    assert model.best_iteration < 59
    compare(model, slices(X), BOTH)


@pytest.mark.parametrize("last", [LGBMClassifier(**QUIET), XGBClassifier(**SMALL)], ids=kind)
def test_at_the_end_of_a_pipeline(last: Any) -> None:
    table = NAMED.assign(place=np.array(["a", "b", "c"])[LABELS])
    columns = make_column_transformer(
        (StandardScaler(), COLUMNS), (OneHotEncoder(sparse_output=False), ["place"])
    )
    compare(make_pipeline(columns, last).fit(table, LABELS), slices(table), BOTH)


def custom(_: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return prediction, np.ones_like(prediction)


@pytest.mark.parametrize(
    "model",
    [
        LGBMClassifier(**QUIET, pred_early_stop=True),
        LGBMRegressor(**QUIET, objective=custom),
        XGBRegressor(**SMALL, booster="gblinear"),
        XGBClassifier(**SMALL, objective="multi:softmax"),
    ],
    ids=kind,
)
def test_left_to_the_library(model: Any) -> None:
    """What it says depends on more than the booster."""
    assert shortcuts_to(fitted(model, X, LABELS)) == {}


def test_categories_are_left_to_the_library() -> None:
    table = NAMED.assign(place=pd.Categorical(np.array(["a", "b", "c"])[LABELS]))
    assert shortcuts_to(LGBMClassifier(**QUIET).fit(table, LABELS)) == {}
    model = XGBClassifier(**SMALL, enable_categorical=True).fit(table, LABELS)
    assert shortcuts_to(model) == {}


@pytest.mark.parametrize("rows", [1, 7], ids=["one", "some"])
@pytest.mark.parametrize(
    "parameters",
    [{}, {"booster": "gblinear"}, {"booster": "dart"}, {"objective": "multi:softmax"}],
    ids=["trees", "linear", "dart", "labels"],
)
def test_a_bare_booster_of_xgboost(parameters: dict[str, str], rows: int) -> None:
    """It is asked for a matrix's answer, and from then on for that of the numbers."""
    classes = {"objective": "multi:softprob", "num_class": 3, **parameters}
    booster = xgboost.train(classes, xgboost.DMatrix(X, LABELS), 9)
    predict = predictor_of(booster)
    part = X[5 : 5 + rows]

    for _ in range(2 * TRIALS):
        assert_same(predict(part), booster.predict(xgboost.DMatrix(part)))


def test_a_bare_booster_of_lightgbm() -> None:
    booster = LGBMRegressor(**QUIET).fit(X, LABELS).booster_
    for data in slices(X):
        assert_same(predictor_of(booster)(data), booster.predict(data))
    assert predictor_of(booster)(X[:3].tolist()).shape == (3,)
