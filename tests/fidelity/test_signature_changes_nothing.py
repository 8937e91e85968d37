"""Saving a signature never makes a model refuse what it takes, or answer it otherwise."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from contract.estimators.model_inputs import completed, describe
from contract.signature import Signature
from handler.invocation.pipeline import Pipeline
from handler.invocation.request_types import Request

WORDS = st.sampled_from(["red", "02134", "NA", "1", "true", "x y", "ß", "null", "a,b", 'say "so"'])
FIGURES = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda value: round(value, 4))
WHOLE = st.integers(-1000, 1000)
NAMES = st.one_of(
    st.lists(st.sampled_from("abcdefgh"), min_size=4, max_size=4, unique=True),
    st.lists(st.integers(0, 2030), min_size=4, max_size=4, unique=True),
    st.lists(st.sampled_from(["a b", "1", "ü", "Instances", "features", "-3"]), min_size=4,
             max_size=4, unique=True),
    st.just([0, 1, 2, 3]),
)  # fmt: skip


def as_table(X: Any) -> Any:
    return pd.DataFrame(X)


def _mixed(last: Any) -> Any:
    texts = make_column_selector(dtype_include=["object", "str", "category"])
    numbers = make_column_selector(dtype_include=np.number)
    return make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="most_frequent"), _hot()), texts),
            (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        ),
        last,
    )


def _hot() -> Any:
    return OneHotEncoder(handle_unknown="ignore")


OF_MIXED = {
    "tree": lambda: _mixed(DecisionTreeClassifier(random_state=0)),
    "logistic": lambda: _mixed(LogisticRegression()),
    "neighbours": lambda: _mixed(KNeighborsClassifier(1)),
    "ordinal": lambda: make_pipeline(
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=1),
    ),
}
OF_FIGURES = {
    "ridge": Ridge,
    "tree": lambda: DecisionTreeClassifier(random_state=0),
    "own": lambda: make_pipeline(FunctionTransformer(as_table), DecisionTreeClassifier()),
}


@st.composite
def mixed_tables(draw: Any) -> pd.DataFrame:
    """A table of text and numbers, with gaps; the columns in any order and of any names."""
    rows = draw(st.integers(4, 8))

    def column(values: Any) -> Any:
        return draw(st.lists(values, min_size=rows, max_size=rows))

    texts, more = column(WORDS), column(WORDS)
    figures = [float("nan") if draw(st.integers(0, 9)) == 0 else v for v in column(FIGURES)]
    columns = [pd.Series(texts, dtype=object), pd.Series([*more[1:], None], dtype=object)]
    columns += [pd.Series([1.5, *figures[1:]]), pd.Series(column(WHOLE))]
    names = draw(NAMES.filter(lambda each: all(isinstance(name, str) for name in each)))
    order = draw(st.permutations(range(4)))
    return pd.DataFrame({name: columns[at] for name, at in zip(names, order, strict=True)})


def around(model: Any, X: Any) -> list[Pipeline]:
    loaded = pickle.loads(pickle.dumps(model))
    saved = Signature.from_json(Signature.of_data(model, X).to_json())
    found = describe(loaded)
    return [Pipeline(loaded, signature=completed(each, loaded, found)) for each in (saved, None)]


def ask(pipeline: Pipeline, rows: Any) -> Any:
    body = json.dumps(rows).encode()
    response = pipeline.invoke(Request(body, "application/json", "application/json"))
    assert response.status == 200, response.body
    return json.loads(response.body)


def plain(table: pd.DataFrame) -> list[list[Any]]:
    cells = table.astype(object).to_numpy().tolist()
    return [[None if cell is None or cell != cell else cell for cell in row] for row in cells]


by_chance = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", OF_MIXED)
@by_chance
@given(table=mixed_tables())
def test_tables_of_everything(name: str, table: pd.DataFrame) -> None:
    model = OF_MIXED[name]().fit(table, [0, 1] * (len(table) // 2) + [1] * (len(table) % 2))
    expected = model.predict(table).tolist()
    records = [dict(zip(map(str, table.columns), row, strict=True)) for row in plain(table)]

    for pipeline in around(model, table):
        assert ask(pipeline, plain(table)) == expected
        assert ask(pipeline, records) == expected
        assert ask(pipeline, records[:1]) == expected[:1]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", OF_FIGURES)
@by_chance
@given(data=st.data())
def test_tables_of_figures(name: str, data: st.DataObject) -> None:
    names = data.draw(NAMES)
    values = st.lists(st.lists(FIGURES, min_size=4, max_size=4), min_size=3, max_size=6)
    X = pd.DataFrame(data.draw(values), columns=names)
    model = OF_FIGURES[name]().fit(X, list(range(len(X))))
    expected = model.predict(X)

    for pipeline in around(model, X):
        answer = ask(pipeline, plain(X))
        np.testing.assert_allclose(answer, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    signed = around(model, X)[0]
    records = [dict(zip(map(str, names), row, strict=True)) for row in plain(X)]
    turned = [dict(reversed(record.items())) for record in records]
    np.testing.assert_allclose(ask(signed, turned), expected, rtol=1e-9, atol=1e-6)
