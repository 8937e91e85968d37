"""Pipelines on named columns of mixed kinds: each answer is the library's, to the last bit."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from handler.invocation.fast.shortcut import shortcuts_to
from tests.serving.fast.comparing import compare, library_forbidden, slices, warmed

NUMBERS = ["length", "weight", "count"]
TEXTS = ["town", "colour"]
PROBABILITIES = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


def people(rows: int = 400, missing: bool = True, towns: int = 5) -> tuple[pd.DataFrame, Any]:
    """Numbers, whole numbers and texts, some of them missing."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "length": rng.normal(170, 10, rows),
            "town": rng.choice([f"town {number}" for number in range(towns)], rows),
            "weight": rng.normal(70, 9, rows),
            "count": rng.integers(0, 9, rows),
            "colour": rng.choice(["red", "green", "blue"], rows),
        }
    )
    frame["town"] = frame["town"].astype("str" if pd.__version__ >= "3" else "object")
    y = (frame["length"] / 10 + frame["count"] + rng.normal(0, 1, rows) > 21).to_numpy()
    if missing:
        frame.loc[rng.random(rows) < 0.1, "length"] = np.nan
        frame.loc[rng.random(rows) < 0.1, "town"] = np.nan
    return frame, np.where(y, "much", "little")


def imputed() -> Any:
    return make_pipeline(SimpleImputer(strategy="median"), StandardScaler())


COLUMNS: dict[str, Any] = {
    "default": make_column_transformer(
        (imputed(), NUMBERS), (OneHotEncoder(handle_unknown="ignore"), TEXTS)
    ),
    "dense": make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), TEXTS),
        (SimpleImputer(add_indicator=True), NUMBERS),
    ),
    "sparse": make_column_transformer(
        (imputed(), NUMBERS),
        (OneHotEncoder(handle_unknown="ignore"), TEXTS),
        sparse_threshold=1.0,
    ),
    "imputed texts": make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), TEXTS),
        (make_pipeline(SimpleImputer(strategy="constant", fill_value=0.0), RobustScaler()),
         ["length"]),
        (MinMaxScaler(), ["count"]),
    ),
    "dropped": make_column_transformer(
        (OneHotEncoder(drop="first"), TEXTS), (imputed(), NUMBERS)
    ),
    "dropped if binary": make_column_transformer(
        (OneHotEncoder(drop="if_binary"), [*TEXTS, "count"]), ("drop", ["weight"])
    ),
    "infrequent": make_column_transformer(
        (OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=3), TEXTS),
        (imputed(), NUMBERS),
    ),
    "ordinal": make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1,
                        encoded_missing_value=-2), TEXTS),
        (imputed(), make_column_selector(dtype_include=np.number)),
    ),
    "ordinal with infrequent": make_column_transformer(
        (OrdinalEncoder(max_categories=3, encoded_missing_value=9), TEXTS),
        (imputed(), NUMBERS),
    ),
    "remainder": ColumnTransformer(
        [("texts", OneHotEncoder(handle_unknown="ignore"), TEXTS),
         ("length", SimpleImputer(), ["length"])],
        remainder="passthrough",
    ),
    "positions": ColumnTransformer(
        [("texts", OneHotEncoder(handle_unknown="ignore"), [1, 4]),
         ("numbers", imputed(), [True, False, True, False, False])],
        remainder=StandardScaler(),
    ),
    "target": make_column_transformer(
        (TargetEncoder(target_type="binary"), TEXTS), (imputed(), NUMBERS)
    ),
    "many steps": make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(), PolynomialFeatures(2, include_bias=False),
                           StandardScaler()), NUMBERS),
            (FunctionTransformer(np.log1p), ["weight"]),
            (KBinsDiscretizer(4, strategy="uniform", subsample=None),
             ["weight"]),
            (OneHotEncoder(handle_unknown="ignore"), TEXTS),
            sparse_threshold=0,
        ),
        SelectKBest(k=9),
        PCA(5),
    ),
}  # fmt: skip


def strange(frame: pd.DataFrame) -> pd.DataFrame:
    """The same with towns never seen before."""
    frame = frame[:40].reset_index(drop=True)
    frame.loc[::3, "town"] = "elsewhere"
    return frame


@pytest.mark.filterwarnings("ignore:divide by zero encountered in log")
@pytest.mark.parametrize("name", COLUMNS)
def test_linear_models(name: str) -> None:
    X, y = people()
    model = make_pipeline(COLUMNS[name], LogisticRegression(max_iter=5000)).fit(X, y)
    batches = slices(X)
    if name in ("default", "dense", "sparse", "ordinal", "remainder", "positions", "target"):
        batches += [strange(X), strange(X)[:1]]
    compare(model, batches, PROBABILITIES)


@pytest.mark.filterwarnings("ignore:divide by zero encountered in log")
@pytest.mark.parametrize("name", COLUMNS)
def test_forests(name: str) -> None:
    X, y = people()
    model = make_pipeline(COLUMNS[name], RandomForestClassifier(9, random_state=0)).fit(X, y)
    compare(model, slices(X), PROBABILITIES[:3])


@pytest.mark.parametrize("name", ["default", "remainder", "ordinal", "many steps"])
def test_transform(name: str) -> None:
    X, y = people()
    compare(COLUMNS[name].fit(X, y == "much"), slices(X), ["transform"])


@pytest.mark.parametrize("name", ["default", "ordinal"])
def test_boosting(name: str) -> None:
    X, y = people()
    model = make_pipeline(COLUMNS[name], GradientBoostingRegressor(n_estimators=9))
    compare(model.fit(X, y == "much"), slices(X), ["predict"])


def test_histogram_boosting_of_a_table_with_categories() -> None:
    X, y = people()
    X["town"] = X["town"].astype("category")
    X["colour"] = X["colour"].astype("category")
    model = HistGradientBoostingClassifier(max_iter=9, categorical_features="from_dtype").fit(X, y)
    compare(model, slices(X), ["predict", "predict_proba", "decision_function"])


def test_a_table_of_numbers_in_one_block() -> None:
    X, y = people(missing=False)
    numbers = pd.DataFrame(X[["length", "weight"]].to_numpy(), columns=["length", "weight"])
    model = make_pipeline(StandardScaler(), Ridge()).fit(numbers, y == "much")
    compare(model, [*slices(numbers), numbers[::5]], ["predict"])


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    "model",
    [
        Ridge(),
        RandomForestRegressor(5),
        make_pipeline(StandardScaler(), Ridge()),
        make_pipeline(
            make_column_transformer((StandardScaler(), [0, 2]), (MinMaxScaler(), [1])), Ridge()
        ),
    ],
    ids=str,
)
def test_a_table_whose_columns_are_only_numbered(model: Any, whole: bool) -> None:
    """As a script has it that reads CSV by `header=None`."""
    X, y = people(missing=False)
    numbers = pd.DataFrame(X[NUMBERS].to_numpy() if whole else dict(enumerate(X[NUMBERS].T.values)))
    numbers[2] = numbers[2].astype(int)
    numbers.columns = pd.RangeIndex(3)
    compare(model.fit(numbers, y == "much"), [*slices(numbers), numbers[::7][:30]], ["predict"])
    compare(model.fit(numbers.to_numpy(), y == "much"), slices(numbers), ["predict"])


def test_many_categories_are_multiplied_as_sparse() -> None:
    X, y = people(towns=60)
    model = make_pipeline(COLUMNS["default"], LogisticRegression()).fit(X, y)
    assert model[0].sparse_output_
    compare(model, slices(X), PROBABILITIES)


@cache
def fitted(name: str) -> tuple[pd.DataFrame, Any]:
    X, y = people(rows=100, missing=False)
    return X, make_pipeline(COLUMNS[name], LogisticRegression(max_iter=5000)).fit(X, y)


@pytest.mark.parametrize(
    "change",
    [
        lambda X: X.assign(town="elsewhere"),
        lambda X: X.assign(length=np.inf),
        lambda X: X.assign(town=3),
        lambda X: X.assign(town=None),
        lambda X: X.assign(length="long"),
        lambda X: X.assign(town=pd.NA),
        lambda X: X.assign(length=X["length"].astype(object)),
        lambda X: X.assign(length=X["length"].astype("float32")),
        lambda X: X.assign(count=True),
        lambda X: X.assign(count=2**60 + 1),
        lambda X: X.drop(columns="town"),
        lambda X: X.rename(columns={"town": "city"}),
        lambda X: X[X.columns[::-1]],
        lambda X: X.assign(more=1),
        lambda X: X[:0],
        lambda X: X.to_numpy(),
        lambda X: X.to_numpy().tolist(),
        lambda X: X.set_index(X.index + 7),
        lambda X: X.assign(town=X["town"].astype("category")),
        lambda X: X.assign(town=[["list"]] * len(X)),
        lambda X: X.iloc[0],
        lambda X: None,
    ],
)
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@pytest.mark.filterwarnings("ignore:.*:FutureWarning")
@pytest.mark.parametrize("name", ["default", "dropped", "ordinal", "imputed texts", "remainder"])
def test_odd_tables_get_the_librarys_answer_or_error(name: str, change: Any) -> None:
    X, model = fitted(name)
    shortcut = shortcuts_to(model)["predict_proba"]
    warmed(shortcut, [X[:3], X[:1]])
    odd = change(X[:3])
    try:
        expected, problem = model.predict_proba(odd), None
    except Exception as error:  # whatever it is
        expected, problem = None, error
    for _ in range(12):
        if problem is None:
            assert shortcut(odd).tobytes() == expected.tobytes()
        else:
            with pytest.raises(type(problem)) as raised:
                shortcut(odd)
            assert str(raised.value) == str(problem)
    with library_forbidden(shortcut):
        shortcut(X[:3])  # it is believed as before
