"""What is found out about models, and what becomes of requests that differ from training's data."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction import FeatureHasher
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from contract import Paths, save_signature
from contract.errors import ModelLoadError
from contract.estimators.model_inputs import completed, describe
from contract.settings import ServingSettings
from contract.signature import Signature
from handler.invocation.pipeline import Pipeline
from handler.invocation.pipeline_loading import load_pipeline
from handler.invocation.request_types import Request, Response

TABLE = pd.DataFrame(
    {
        "zip": ["02134", "10001", "NA", "02134"] * 5,
        "age": [30.0, 40.0, 50.0, 60.0] * 5,
        "note": ["x", "y", "x", "z"] * 5,
    }
)
LABELS = ["a", "b", "c", "d"] * 5


def served(model: Any, X: Any = None, **settings: Any) -> Pipeline:
    """The pipeline around a model, with what was saved of its data if that is given."""
    loaded = pickle.loads(pickle.dumps(model))
    saved = None if X is None else Signature.from_json(Signature.of_data(model, X).to_json())
    known = completed(saved, loaded, describe(loaded))
    return Pipeline(loaded, signature=known, settings=ServingSettings(**settings))


def ask(pipeline: Pipeline, body: Any, content_type: str = "application/json") -> Response:
    sent = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return pipeline.invoke(Request(sent, content_type, "application/json", request_id="id"))


def content(response: Response) -> Any:
    document = json.loads(response.body)
    return document if response.status == 200 else (response.status, document["detail"])


def encoded(*parts: Any, remainder: Any = "drop") -> Any:
    divided = make_column_transformer(*parts, remainder=remainder)
    return make_pipeline(divided, DecisionTreeClassifier(random_state=0)).fit(TABLE, LABELS)


def _known(model: Any) -> Signature:
    signature = describe(model).signature
    assert signature is not None
    return signature


HOT = OneHotEncoder(handle_unknown="ignore")


def test_text_in_an_array_of_objects_is_text() -> None:
    """An encoder without names: 02134 in CSV is no number, in whatever it stands."""
    X = TABLE[["zip", "note"]].to_numpy(dtype=object)
    for model in (
        make_pipeline(OneHotEncoder(handle_unknown="ignore"), DecisionTreeClassifier()),
        make_pipeline(SimpleImputer(strategy="most_frequent"), HOT, DecisionTreeClassifier()),
        make_pipeline(make_column_transformer((HOT, [0, 1])), DecisionTreeClassifier()),
    ):
        model.fit(X, LABELS)
        assert content(ask(served(model), "02134,x\nNA,x\n", "text/csv")) == ["a", "c"]


@pytest.mark.parametrize("signed", [False, True])
def test_what_is_dropped_is_not_demanded(signed: bool) -> None:
    """As scikit-learn does: further columns are passed over, dropped ones need not be there."""
    model = encoded((HOT, ["zip"]), (StandardScaler(), ["age"]))
    pipeline = served(model, TABLE if signed else None)
    rows = [{"age": 40, "zip": "10001", "more": 3}, {"age": 30, "zip": "02134", "more": None}]

    assert content(ask(pipeline, rows)) == ["b", "a"]
    assert content(ask(pipeline, "zip,age\nNA,50\n", "text/csv")) == ["c"]
    assert content(ask(pipeline, [{"zip": "10001"}])) == (
        422,
        'the model takes "age", "note", which the body lacks',
    )


def test_further_columns_by_a_setting() -> None:
    """Whoever would rather know of them says so; elsewhere they are refused as ever."""
    model = encoded((HOT, ["zip"]), (StandardScaler(), ["age"]))
    row = [{"age": 40, "zip": "10001", "note": "x", "more": 3}]
    refusing = Pipeline(model, signature=replace(_known(model), further="refuse"))
    plain = DecisionTreeClassifier().fit(TABLE[["age"]], LABELS)

    assert ask(refusing, row).status == 422
    assert ask(served(plain), [{"age": 40, "more": 3}]).status == 422
    dropping = Pipeline(plain, signature=replace(_known(plain), further="drop"))
    assert content(ask(dropping, [{"more": 3, "age": 40}])) == ["b"]


def test_what_is_imputed_may_be_left_out() -> None:
    """By an imputer, an encoder that takes what it doesn't know, a booster of histograms."""
    model = encoded(
        (SimpleImputer(), ["age"]),
        (make_pipeline(SimpleImputer(strategy="most_frequent"), HOT), ["zip", "note"]),
    )
    gaps = TABLE.assign(age=[None, *TABLE["age"][1:]])
    boosted = HistGradientBoostingClassifier(max_iter=2).fit(gaps[["age"]].assign(b=1.0), LABELS)
    pipeline = served(model, TABLE)

    expected = model.predict(pd.DataFrame({"zip": ["NA"], "age": [np.nan], "note": ["x"]})).tolist()
    assert content(ask(pipeline, [{"zip": "NA", "note": "x"}])) == expected
    rows = [{"zip": "NA", "note": "x"}, {"zip": "10001", "note": "y", "age": 40}]
    assert content(ask(pipeline, rows)) == [*expected, "b"]
    assert ask(served(boosted), [{"b": 1}]).status == 200


@pytest.mark.parametrize("signed", [False, True])
def test_a_table_without_a_column_is_refused(signed: bool) -> None:
    """As scikit-learn refuses such a frame: only a record leaves out what it has no value for."""
    model = encoded((SimpleImputer(), ["age"]), (HOT, ["zip"]))
    pipeline = served(model, TABLE if signed else None)
    split = {"columns": ["zip"], "data": [["NA"], ["10001"]]}

    for body, content_type in (("zip\nNA\n10001\n", "text/csv"), (split, "application/json")):
        status, said = content(ask(pipeline, body, content_type))
        assert status == 422
        assert '"age"' in said
        assert "the body lacks" in said


def test_a_misspelt_name_is_not_imputed() -> None:
    """It would be answered as if nothing had been said."""
    model = encoded((SimpleImputer(), ["age"]), (HOT, ["zip"]))

    response = ask(served(model), [{"zip": "NA", "Age ": 50}])

    assert response.status == 422
    assert 'by "Age " did you mean "age"?' in content(response)[1]


class Chosen(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Takes two columns by name, whatever others there are; notes nothing."""

    def fit(self, X: Any, y: Any = None) -> Chosen:
        return self

    def transform(self, X: Any) -> Any:
        return X[["age"]].to_numpy()


def test_a_signature_makes_no_demands_for_own_code() -> None:
    """What works without the file works with it; what fails for a lack names the lack."""
    model = make_pipeline(Chosen(), DecisionTreeClassifier(random_state=0)).fit(TABLE, LABELS)
    pipelines = [served(model), served(model, TABLE)]

    for body in ([{"age": 40}], [{"age": 40, "zip": "NA", "note": "x", "more": 1}]):
        assert [content(ask(one, body)) for one in pipelines] == [["b"], ["b"]]
    status, detail = content(ask(pipelines[1], [{"zip": "NA"}]))
    assert (status, '"age"' in detail) == (422, True)


def doubled(X: Any) -> Any:
    return X[[1, 2]] * 2


@pytest.mark.parametrize(
    "labels",
    [
        [1, 2, 3],
        [2019, 2020, 2021],
        ["a", 2, "c"],
        [("x", 1), ("x", 2), ("y", 1)],
        [1.5, 2.5, 3.5],
        list(pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01"])),
        ["a", "a", "b"],
        [True, False, 3],
    ],
)
def test_labels_come_back_as_they_were(labels: list[Any]) -> None:
    """A step finds its columns by them, whatever they are."""
    X = pd.DataFrame(np.eye(3) + 1, columns=pd.Index(labels, tupleize_cols=True))
    first = X.columns[0]
    found: list[Any] = []

    class Looks(TransformerMixin, BaseEstimator):  # type: ignore[misc]
        def fit(self, given: Any, y: Any = None) -> Looks:
            return self

        def transform(self, given: Any) -> Any:
            found.append((list(given.columns), given[first].to_numpy().tolist()))
            return given.to_numpy()

    model = make_pipeline(Looks(), DecisionTreeClassifier()).fit(X, [1, 2, 3])
    saved = Signature.from_json(Signature.of_data(model, X).to_json())
    pipeline = Pipeline(model, signature=completed(saved, model, describe(model)))
    found.clear()

    answer = content(ask(pipeline, X.to_numpy().tolist()))

    assert answer == [1, 2, 3]
    assert found == [(list(X.columns), X[first].to_numpy().tolist())]
    assert saved == Signature.from_json(saved.to_json())


def test_a_step_by_whole_numbers() -> None:
    X = pd.DataFrame(np.eye(3), columns=[1, 2, 3])
    model = make_pipeline(FunctionTransformer(doubled), DecisionTreeClassifier())
    model.fit(X, ["a", "b", "c"])
    pipeline = served(model, X)

    assert content(ask(pipeline, "1,0,0\n0,1,0\n", "text/csv")) == ["a", "b"]
    assert content(ask(pipeline, [{"3": 1, "2": 0, "1": 0}])) == ["c"]


@pytest.mark.parametrize("name", ["{}", "x{}", "f{}", "col_{}"])
@pytest.mark.parametrize("first", [0, 1])
def test_numbered_records_in_the_order_of_text(name: str, first: int) -> None:
    """1, 10, 11, 2: a program on the way has sorted them; the model knows only positions."""
    X = np.eye(12)
    model = DecisionTreeClassifier(random_state=0).fit(X, np.arange(12))
    records = [{name.format(at + first): float(value) for at, value in enumerate(row)} for row in X]

    body = json.dumps(records, sort_keys=True)

    for pipeline in (served(model), served(model, X), served(model, pd.DataFrame(X))):
        assert content(ask(pipeline, body)) == list(range(12))


class Odd(BaseEstimator):  # type: ignore[misc]
    """Notes about itself what nobody can read."""

    n_features_in_ = property(lambda self: 1 / 0)
    feature_names_in_ = property(lambda self: [].pop())
    steps = "many"

    @property
    def classes_(self) -> Any:
        raise RuntimeError("no")

    def predict(self, X: Any) -> Any:
        return [0] * len(X)


class Sum(BaseEstimator):  # type: ignore[misc]
    """Takes any number of columns, whatever it notes about itself."""

    n_features_in_ = 2
    feature_names_in_ = ("p", "q")

    def predict(self, X: Any) -> Any:
        return np.asarray(X).sum(axis=1)


def test_what_own_code_notes_is_only_believed() -> None:
    """It reads by that, and refuses nothing by it."""
    pipeline = served(Sum())

    assert content(ask(pipeline, [[1, 2, 3]])) == [6]
    assert content(ask(pipeline, [{"q": 1, "p": 2, "z": 5}])) == [8]
    assert content(ask(pipeline, [{"z": 5}])) == [5]


class Everything:
    """Has every attribute there is."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_: name

    def predict(self, X: Any) -> Any:
        return [0] * len(X)


@pytest.mark.parametrize("model", [Everything(), Odd(), object(), None, 3, {"a": 1}])
def test_nothing_odd_stops_a_model(model: Any, tmp_path: Path) -> None:
    """Neither its training's last line nor its load."""
    save_signature(model, np.eye(2), model_dir=tmp_path)

    assert describe(model).signature is None


def test_outputs_with_unlike_numbers_of_classes(tmp_path: Path) -> None:
    """Their labels differ in number, which no array can hold."""
    X = [[0.0], [1.0], [2.0]]
    model = DecisionTreeClassifier().fit(X, [["a", "p"], ["b", "p"], ["c", "q"]])
    joblib.dump(model, tmp_path / "model.joblib")
    saved = save_signature(model, X, model_dir=tmp_path)

    pipeline = load_pipeline(tmp_path, ServingSettings(paths=Paths(tmp_path)))

    assert saved.classes == (("a", "b", "c"), ("p", "q"))
    assert content(ask(pipeline, [[0], [2]])) == [["a", "p"], ["c", "q"]]


@pytest.mark.parametrize("X", [np.zeros((2, 2, 2)), 3, "text", iter([1]), [[1], [1, 2]], []])
def test_what_cannot_be_described_is_left_out(X: Any, tmp_path: Path) -> None:
    """A model that is trained is worth more than what is said of it."""
    save_signature(None, X, metrics={"accuracy": 1}, model_dir=tmp_path)

    assert (tmp_path / "signature.json").exists()


def test_lists_of_words() -> None:
    """A hasher of words takes rows of any length."""
    words = [["a", "b"], ["c"], ["a"], ["c", "d", "e"]]
    model = make_pipeline(FeatureHasher(32, input_type="string"), LogisticRegression())
    model.fit(words, [1, 0, 1, 0])

    for pipeline in (served(model), served(model, words)):
        assert content(ask(pipeline, words)) == model.predict(words).tolist()
        assert content(ask(pipeline, "a,b\nc,d\n", "text/csv")) == [1, 0]


def test_records_without_names_are_refused() -> None:
    """Values alone make no record."""
    model = make_pipeline(FeatureHasher(8), LogisticRegression()).fit([{"a": 1}, {"b": 1}], [0, 1])

    assert ask(served(model), [[1, 2]]).status == 400
    assert ask(served(model), "1,2\n", "text/csv").status == 422


# --- boosters


def categories() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "size": np.linspace(0, 1, 40),
            "kind": pd.Categorical(["x", "y", "z", "x"] * 10),
            "grade": pd.Categorical([3, 5] * 20),
        }
    )


def lightgbm_of(X: Any) -> Any:
    lightgbm = pytest.importorskip("lightgbm")
    return lightgbm.LGBMClassifier(n_estimators=3, min_child_samples=2, verbosity=-1).fit(
        X, X["kind"].astype(str)
    )


def xgboost_of(X: Any) -> Any:
    xgboost = pytest.importorskip("xgboost")
    return xgboost.XGBClassifier(n_estimators=3, enable_categorical=True).fit(
        X, X["kind"].cat.codes
    )


def bare_lightgbm(X: Any) -> Any:
    lightgbm = pytest.importorskip("lightgbm")
    data = lightgbm.Dataset(X, X["kind"].cat.codes)
    return lightgbm.train({"verbosity": -1, "min_data_in_leaf": 2}, data, 3)


def bare_xgboost(X: Any) -> Any:
    xgboost = pytest.importorskip("xgboost")
    return xgboost.train({}, xgboost.DMatrix(X, X["kind"].cat.codes, enable_categorical=True), 3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("fit", [lightgbm_of, xgboost_of, bare_lightgbm, bare_xgboost])
def test_boosters_of_categories(fit: Any, signed: bool) -> None:
    """They hold their categories themselves, as they are in Python or bare."""
    X = categories()
    model = fit(X)
    if fit is bare_xgboost:
        xgboost = pytest.importorskip("xgboost")
        expected = model.predict(xgboost.DMatrix(X[:4], enable_categorical=True))
    else:
        expected = model.predict(X[:4])
    pipeline = served(model, X if signed else None)
    plain = X[:4].astype({"kind": str, "grade": int})

    for body, content_type in (
        (plain.to_csv(index=False, header=False), "text/csv"),
        (plain.to_json(orient="records"), "application/json"),
        (plain.to_json(orient="values"), "application/json"),
    ):
        answer = np.asarray(content(ask(pipeline, body, content_type)))
        assert answer.astype(expected.dtype).tolist() == expected.tolist()
    status, detail = content(ask(pipeline, [{"size": 1, "kind": "q", "grade": 3}]))
    assert (status, 'column "kind" must be one of x, y, z' in detail) == (422, True)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("signed", [False, True])
def test_catboost_of_categories(signed: bool) -> None:
    """It goes by the text of a category, and says after a pickle that it takes no columns."""
    catboost = pytest.importorskip("catboost")
    X = pd.DataFrame({"n": np.linspace(0, 1, 40), "zip": ["02134", "10001"] * 20, "k": [3, 5] * 20})
    model = catboost.CatBoostClassifier(
        iterations=3, verbose=0, cat_features=["zip", "k"], allow_writing_files=False
    ).fit(X, ["a", "b"] * 20)
    pipeline = served(model, X if signed else None)

    expected = model.predict(X[:2]).tolist()
    assert content(ask(pipeline, "0.0,02134,3\n0.1,10001,5\n", "text/csv")) == expected
    assert content(ask(pipeline, [[0.0, "02134", 3], [0.1, "10001", 5]])) == expected
    assert ask(pipeline, [[0.0, "02134", None]]).status in (200, 422)


def test_a_booster_that_lacks_its_categories_is_refused_at_start(tmp_path: Path) -> None:
    """Older versions of xgboost save the codes alone."""
    xgboost = pytest.importorskip("xgboost")
    codes = np.array([[0.1, 0], [0.2, 1], [0.3, 2], [0.4, 1]])
    matrix = xgboost.DMatrix(codes, [0, 1, 0, 1], feature_types=["float", "c"])
    joblib.dump(xgboost.train({}, matrix, 2), tmp_path / "model.joblib")

    with pytest.raises(ModelLoadError, match="not hold their categories; call save_sig"):
        load_pipeline(tmp_path, ServingSettings(paths=Paths(tmp_path)))


@pytest.mark.parametrize("missing", [None, np.nan])
@pytest.mark.parametrize("signed", [False, True])
def test_a_missing_truth_is_a_category_in_whatever_row(missing: Any, signed: bool) -> None:
    """The column's type depends on the model, never on the other rows of a payload."""
    flags = pd.DataFrame({"flag": [True, False, missing], "age": [1.0, 2.0, 3.0]})
    divided = make_column_transformer((HOT, ["flag"]), (SimpleImputer(), ["age"]))
    model = make_pipeline(divided, DecisionTreeClassifier(random_state=0)).fit(flags, list("abc"))
    pipeline = served(model, flags if signed else None)

    expected = model.predict(flags).tolist()
    rows = [{"flag": True, "age": 1}, {"flag": False, "age": 2}, {"flag": None, "age": 3}]
    assert content(ask(pipeline, rows)) == expected
    assert [content(ask(pipeline, [row])) for row in rows] == [[one] for one in expected]
    assert content(ask(pipeline, "flag,age\n,3\n", "text/csv")) == expected[2:]


# --- whose fault


def test_a_cell_at_fault_is_named() -> None:
    """Row, column, what was given and what is expected."""
    named = make_pipeline(StandardScaler(), LogisticRegression()).fit(TABLE[["age"]], LABELS)
    imputed = make_pipeline(SimpleImputer(), LogisticRegression()).fit(TABLE[["age"]], LABELS)
    strict = encoded((OneHotEncoder(), ["zip"]))

    found = [
        content(ask(served(named), [{"age": 1}, {"age": "old"}])),
        content(ask(served(strict), "10001\n90210\n", "text/csv; header=absent")),
        content(ask(served(strict), [{"zip": "10001"}, {"zip": "90210"}])),
        content(ask(served(named), [{"age": None}])),
        content(ask(served(imputed), [{"age": 1}, {"age": "?"}])),
    ]

    assert [status for status, _ in found] == [422] * 5
    assert 'row 2, column age: the model does not take this value ("old")' in found[0][1]
    assert 'row 2, column zip: the model does not take this value ("90210")' in found[2][1]
    assert "row 1, column age" in found[3][1]
    assert 'row 2, column age: the model does not take this value ("?")' in found[4][1]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("module", "name", "arguments"),
    [
        ("xgboost", "XGBRegressor", {}),
        ("lightgbm", "LGBMRegressor", {"verbosity": -1}),
        ("catboost", "CatBoostRegressor", {"verbose": 0, "allow_writing_files": False}),
    ],
)
def test_boosters_errors_about_data_are_the_callers(
    module: str, name: str, arguments: dict[str, Any]
) -> None:
    X = np.random.default_rng(0).normal(size=(40, 2))
    kind = getattr(pytest.importorskip(module), name)
    model = kind(n_estimators=2, **arguments).fit(X, X[:, 0])

    status, detail = content(ask(served(model), [[1, 2], [1, "abc"]]))
    assert (status, "row 2, column 2" in detail, '"abc"' in detail) == (422, True, True)
    assert ask(served(model), [[1, 2, 3]]).status == 422


def test_a_model_that_answers_nothing_is_nobodys_fault_who_asks() -> None:
    """A step was given a table in training and is given an array here: no request can mend that."""
    steps = make_pipeline(
        StandardScaler().set_output(transform="pandas"),
        make_column_transformer((StandardScaler(), ["a"])),
        DecisionTreeClassifier(),
    )
    X = pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 3.0]})
    model = steps.fit(X, [0, 1])
    model[0].set_output(transform="default")

    for pipeline in (served(model), served(model, X)):
        assert ask(pipeline, [{"a": 1, "b": 2}]).status == 500
