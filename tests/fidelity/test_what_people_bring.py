"""Models as people bring them: what they hide of their input, how they fail, what they answer."""

from __future__ import annotations

import array
import datetime
import decimal
import io
import json
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline as Steps
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from contract import Paths
from contract.estimators.first_pipeline_steps import first_parts
from contract.estimators.model_inputs import completed, describe
from contract.settings import ServingSettings
from contract.signature import Signature
from handler.invocation.pipeline import Pipeline
from handler.invocation.pipeline_loading import load_pipeline
from handler.invocation.request_types import Request
from tests.fidelity.test_what_models_take import ask, categories, content, lightgbm_of, served

TREE = DecisionTreeClassifier(random_state=0)
HOT = OneHotEncoder(handle_unknown="ignore")
ZIPS = pd.DataFrame({"zip": ["02134", "10001", "NA"] * 4, "size": [1.0, 2.0, 3.0] * 4})
PLACES = ["a", "b", "c"] * 4


# --- what a model hides of its input


class Codes(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Numbers texts, and keeps by the column which number each has."""

    def fit(self, X: Any, y: Any = None) -> Codes:
        self.n_features_in_, self.feature_names_in_ = X.shape[1], np.array(X.columns, dtype=object)
        self.codes_ = {
            name: {value: at for at, value in enumerate(X[name].unique())} for name in X.columns
        }
        return self

    def transform(self, X: Any) -> Any:
        return np.column_stack(
            [X[name].map(codes).fillna(-1) for name, codes in self.codes_.items()]
        )


class Tangled(Codes):
    """The same, and keeps nothing by the column."""

    def fit(self, X: Any, y: Any = None) -> Tangled:
        super().fit(X)
        self.codes_ = [(name, list(codes.items())) for name, codes in self.codes_.items()]
        return self

    def transform(self, X: Any) -> Any:
        return np.column_stack([X[name].map(dict(codes)).fillna(-1) for name, codes in self.codes_])


class Listed(Codes):
    """As category_encoders keeps it: a list of mappings, each a series."""

    def fit(self, X: Any, y: Any = None) -> Listed:
        super().fit(X)
        self.mapping_ = [
            {"col": name, "mapping": pd.Series(codes)} for name, codes in self.codes_.items()
        ]
        del self.codes_
        return self

    def transform(self, X: Any) -> Any:
        return np.column_stack([
            X[each["col"]].map(each["mapping"]).fillna(-1) for each in self.mapping_
        ])  # fmt: skip


class Chosen(BaseEstimator):  # type: ignore[misc]
    """Chooses among the rows while fitting, as imbalanced-learn's steps do."""

    def fit(self, X: Any, y: Any = None) -> Chosen:
        self.n_features_in_, self.feature_names_in_ = X.shape[1], np.array(X.columns, dtype=object)
        return self

    def fit_resample(self, X: Any, y: Any) -> Any:
        return X, y


class Resampled(Steps):  # type: ignore[misc]
    """A pipeline that leaves such steps out when it predicts."""

    def predict(self, X: Any) -> Any:
        for _, step in self.steps[1:-1]:
            X = step.transform(X)
        return self.steps[-1][1].predict(X)


@pytest.mark.parametrize("own", [Codes, Listed])
@pytest.mark.parametrize("divided", [True, False])
def test_texts_that_own_code_has_learned_are_texts(own: Any, divided: bool) -> None:
    """In CSV without a signature: 02134 and NA, and 10001 without anything beside it."""
    step = make_column_transformer((own(), ["zip"])) if divided else own()
    model = make_pipeline(step, TREE).fit(ZIPS if divided else ZIPS[["zip"]], PLACES)
    rows = "02134,1\nNA,1\n" if divided else "02134\nNA\n"

    assert content(ask(served(model), rows, "text/csv; header=absent")) == ["a", "c"]
    one = "10001,1\n" if divided else "10001\n"
    assert content(ask(served(model), one, "text/csv; header=absent")) == ["b"]


@pytest.mark.parametrize("large", [False, True])
def test_what_may_be_a_text_is_refused(large: bool) -> None:
    """Where code of anybody's sees it and keeps nothing that tells: 02134 would lose its zero."""
    model = make_pipeline(Tangled(), TREE).fit(ZIPS, PLACES)
    rows = "02134,1\n" * (60_000 if large else 1)

    status, detail = content(ask(served(model), rows, "text/csv"))
    assert (status, 'column "zip" holds "02134"' in detail) == (422, True)
    assert content(ask(served(model), [{"zip": "02134", "size": 1}])) == ["a"]
    assert content(ask(served(model, ZIPS), rows, "text/csv"))[0] == "a"


def test_resampling_steps_are_looked_past() -> None:
    """They are not there when a pipeline predicts."""
    divided = make_column_transformer((HOT, ["zip"]), remainder="passthrough")
    steps = [("chosen", Chosen().fit(ZIPS)), ("divided", divided.fit(ZIPS))]
    model = Resampled([*steps, ("tree", TREE.fit(divided.transform(ZIPS), PLACES))])

    assert content(ask(served(model), "NA,3\n02134,1\n", "text/csv")) == ["c", "a"]


def test_an_identity_is_looked_past() -> None:
    """A booster of categories behind it is given its categories."""
    X = categories()
    fitted = lightgbm_of(X)
    model = Steps([("same", FunctionTransformer().fit(X)), ("booster", fitted)])

    assert list(first_parts(model)) == [fitted]
    rows = [{"size": 0.1, "kind": "y", "grade": 3}]
    expected = fitted.predict(X.iloc[[1]].assign(size=0.1, grade=pd.Categorical([3], [3, 5])))
    assert content(ask(served(model), rows)) == expected.tolist()


@pytest.mark.parametrize("as_objects", [False, True])
def test_dates_among_categories_are_dates(as_objects: bool) -> None:
    days = pd.to_datetime(["2024-01-01", "2024-02-01"] * 4)
    X = pd.DataFrame({"day": days})
    if as_objects:
        X["day"] = X["day"].astype(object)
    model = make_pipeline(HOT, TREE).fit(X, ["january", "february"] * 4)

    for body, kind in (
        ([{"day": "2024-01-01"}, {"day": "2024-02-01"}], "application/json"),
        ("2024-01-01\n2024-02-01\n", "text/csv; header=absent"),
    ):
        assert content(ask(served(model), body, kind)) == ["january", "february"]


def lowered(texts: Any) -> Any:
    return texts.str.lower()


class Delegates:
    """Passes on every question about itself to the model that it holds."""

    def __init__(self, words: Any, model: Any) -> None:
        self.words, self.model = words, model

    def predict(self, X: Any) -> Any:
        return self.model.predict(self.words.transform(X))

    def __getattr__(self, name: str) -> Any:
        if name in ("words", "model"):
            raise AttributeError(name)
        return getattr(self.model, name)


def of_a_series() -> Any:
    texts = pd.Series(["Good film", "Bad film"] * 4)
    model = make_pipeline(FunctionTransformer(lowered), CountVectorizer(), TREE)
    return model.fit(texts, [1, 0] * 4)


def delegating() -> Any:
    words = CountVectorizer().fit(["good film", "bad film"])
    return Delegates(words, TREE.fit(words.transform(["good film", "bad film"]), [1, 0]))


@pytest.mark.parametrize("make", [of_a_series, delegating])
def test_texts_where_a_model_says_otherwise_or_nothing(make: Any) -> None:
    """A series is what its first step takes; another model's number of columns is what it says."""
    pipeline = served(make())

    assert content(ask(pipeline, ["good x", "bad y"])) == [1, 0]
    assert content(ask(pipeline, "good x\nbad y\n", "text/csv; header=absent")) == [1, 0]


class OfSeries(BaseEstimator):  # type: ignore[misc]
    """Takes an array of shape (rows, times, values), and notes how many values."""

    n_features_in_ = 2

    def predict(self, X: Any) -> Any:
        assert isinstance(X, np.ndarray)
        assert X.ndim == 3
        return X.sum(axis=(1, 2))


@pytest.mark.parametrize("kind", ["lists", "lines", "npy", "tensor"])
@pytest.mark.parametrize("X", [None, np.zeros((4, 3, 2))])
def test_arrays_of_more_dimensions(kind: str, X: Any) -> None:
    """Where nobody knows a model's input, it may be no table."""
    rows = np.arange(12.0).reshape(2, 3, 2)
    npy = io.BytesIO()
    np.save(npy, rows)
    tensor = {"name": "x", "shape": [2, 3, 2], "datatype": "FP64", "data": rows.ravel().tolist()}
    body, content_type = {
        "lists": (json.dumps(rows.tolist()).encode(), "application/json"),
        "lines": (b"\n".join(json.dumps(row.tolist()).encode() for row in rows),
                  "application/jsonlines"),
        "npy": (npy.getvalue(), "application/x-npy"),
        "tensor": (json.dumps({"inputs": [tensor]}).encode(), "application/json"),
    }[kind]  # fmt: skip
    saved = None
    if X is not None:
        saved = Signature((), versions={"python": "3"})  # what is left of data that are no table
    found = describe(OfSeries())
    pipeline = Pipeline(OfSeries(), signature=completed(saved, OfSeries(), found))

    answer = content(pipeline.invoke(Request(body, content_type, "application/json")))

    given = answer["outputs"][0]["data"] if kind == "tensor" else answer
    assert given == [15, 51]
    assert ask(pipeline, [[[1, 2], [3]], [[1, 2], [3, 4]]]).status == 422


class Recursing:
    """Looks for what it lacks in what it lacks."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def predict(self, X: Any) -> Any:
        return [1] * len(X)


class Unfriendly:
    """Answers no question about itself."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        raise RuntimeError("neither")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("never")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("no array")

    def __repr__(self) -> str:
        raise RuntimeError("no name")

    def predict(self, X: Any) -> Any:
        return [1] * len(X)


@pytest.mark.parametrize("kind", [Recursing, Unfriendly])
def test_odd_classes_are_loaded(kind: Any, tmp_path: Any) -> None:
    joblib.dump(None, tmp_path / "model.joblib")
    (tmp_path / "code").mkdir()
    module, name = kind.__module__, kind.__name__
    source = f"def model_fn(model_dir):\n    from {module} import {name}\n    return {name}()\n"
    (tmp_path / "code" / "inference.py").write_text(source)

    pipeline = load_pipeline(tmp_path, ServingSettings(paths=Paths(tmp_path)))

    assert content(ask(pipeline, [[1, 2], [3, 4]])) == [1, 1]


def test_tables_of_other_libraries_are_described() -> None:
    """By the signature of a model that was fitted on them."""
    saved = Signature.of_data(None, pa.table({"zip": ["02134"], "size": [1.5]}))

    assert [(column.name, column.kind) for column in saved.inputs] == [
        ("zip", "string"), ("size", "number")
    ]  # fmt: skip


# --- whose fault


@pytest.mark.parametrize("model", [LogisticRegression(), make_pipeline(StandardScaler(), TREE)])
def test_a_model_that_was_not_fitted_is_nobodys_fault_who_asks(model: Any) -> None:
    assert ask(Pipeline(model, signature=describe(model).signature), [[1, 2]]).status == 500


def test_an_unknown_category_is_the_callers_in_the_first_request_too() -> None:
    """What the model is tried with is one of its categories."""
    X = pd.DataFrame({"size": [5, 7] * 4, "zip": ["02134", "10001"] * 4})
    divided = make_column_transformer((OneHotEncoder(), ["size", "zip"]))
    model = make_pipeline(divided, TREE).fit(X, [0, 1] * 4)

    assert ask(served(model), [{"size": 9, "zip": "02134"}]).status == 422
    assert ask(served(model), [{"size": 5, "zip": "x"}]).status == 422


class Faulty(BaseEstimator):  # type: ignore[misc]
    """Fails for a reason of its own, unless it is told not to."""

    def predict(self, X: Any) -> Any:
        if np.asarray(X)[0, 0]:
            raise ValueError("threshold was never set")
        return [0] * len(X)


def test_own_code_that_has_answered_nothing_is_not_the_callers_fault() -> None:
    """Nothing tells that another request would be answered, until one was."""
    pipeline = served(Faulty())

    assert ask(pipeline, [[1]]).status == 500
    assert ask(pipeline, [[0]]).status == 200
    assert ask(pipeline, [[1]]).status == 422


# --- what a model answers


class Gives:
    def __init__(self, prediction: Any) -> None:
        self.prediction = prediction

    def predict(self, X: Any) -> Any:
        return self.prediction


class Tensor:
    """Is an array only for who asks."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array([1.5, 2.5])


ANSWERS: list[tuple[Any, Any]] = [
    (np.ma.masked_array([1.5, 2.5], [False, True]), [1.5, None]),
    (np.ma.masked_array([1, 2], [False, True]), [1, None]),
    (pd.DataFrame(np.eye(2), columns=["a", "a"]), [[1, 0], [0, 1]]),
    (pd.DataFrame([[1, 2]] * 2, columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])),
     [{"('a', 1)": 1, "('b', 2)": 2}] * 2),
    (pd.Series([1, 2], index=[1, 0]), [1, 2]),
    (pd.Series([2**53 + 1, None], dtype="Int64"), [2**53 + 1, None]),
    (np.array([90, "NaT"], "m8[s]"), ["P0DT0H1M30S", None]),
    (np.array([90 * 10**9, 0], "m8[ns]"), ["P0DT0H1M30S", "P0DT0H0M0S"]),
    ([datetime.timedelta(1), decimal.Decimal("1.5")], ["P1DT0H0M0S", 1.5]),
    (pd.Series(pd.period_range("2024-01", periods=2, freq="M")), ["2024-01", "2024-02"]),
    (pd.cut(pd.Series([1, 5]), [0, 3, 6]), ["(0, 3]", "(3, 6]"]),
    (range(2), [0, 1]),
    ({"x": 1, "y": 2}.values(), [1, 2]),
    (array.array("d", [1.5, 2.5]), [1.5, 2.5]),
    (Tensor(), [1.5, 2.5]),
    ([2**70, 1], [2**70, 1]),
    (np.array([2**70, None, float("nan")], dtype=object)[:2], [2**70, None]),
    (pa.array([1, None]), [1, None]),
    (pa.table({"a": [1, 2], "b": ["x", None]}), [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
]  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), ANSWERS)
def test_answers_of_all_types(given: Any, expected: Any) -> None:
    """None is lost on the way, and none is another value."""
    assert content(ask(Pipeline(Gives(given)), [[1], [2]])) == expected


def test_a_generator_is_walked_through() -> None:
    class Walks(Gives):
        def predict(self, X: Any) -> Any:
            return (len(row) for row in X)

    assert content(ask(Pipeline(Walks(None)), [[1, 2], [3, 4]])) == [2, 2]


def test_a_model_that_gives_nothing_is_no_answer() -> None:
    assert ask(served(Gives(None)), [[1]]).status == 500
