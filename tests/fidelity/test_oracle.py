"""The endpoint's answer is ``model.predict``'s: for models, data, forms, with a signature or not.

What is not answered so is a 4xx that ``ALLOWED`` names with its reason; nothing is a 5xx, and
nothing a 200 with another value.
"""

from __future__ import annotations

import json
import pickle
import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from contract.estimators.model_inputs import completed, describe
from contract.signature import Signature
from handler.invocation.pipeline import Pipeline
from handler.invocation.request_types import Request, Response
from tests.fidelity import forms, models
from tests.fidelity.models import CONTAINERS, SHOWN

pytestmark = pytest.mark.slow

# What is tried each time; the other ways to hold figures are tried where changes land.
ALWAYS = ("array", "frame", "years")
HOW = [pytest.param(how, marks=[] if how in ALWAYS else pytest.mark.fidelity) for how in CONTAINERS]
# Sums of products depend, in their last bits, on how a table lies in memory.
RELATIVE = 1e-12
POSITIONS = "without signature.json nobody knows the names of a model that was fitted on positions"
COUNTED = "a first row 0, 1, 2 or 1, 2, 3 may be names as well as values, so the caller is asked"
# (how it was fitted, the form, whether there is a signature): why the caller is refused.
ALLOWED: dict[tuple[str, str, bool], str] = {
    (how, form, True): COUNTED
    for how in ("counted frame", "frame from 1")
    for form in ("csv with names", "csv in reverse")
}
# Where another answer is the right one, and why.
OTHERWISE: dict[tuple[str, str, bool], str] = {
    ("array", "csv in reverse", True): "a model of positions knows no names",
    ("array", "records in reverse", True): "a model of positions knows no names",
    ("array", "csv in reverse", False): POSITIONS,
    ("array", "records in reverse", False): POSITIONS,
    ("years", "records in reverse", False): POSITIONS,
    **{
        (how, form, False): POSITIONS
        for how in ("counted frame", "frame from 1", "years")
        for form in ("csv with names", "csv in reverse")
    },
}


def pipelines(model: Any, X: Any, y: Any = None) -> dict[bool, Pipeline]:
    """The endpoint's pipeline around a model out of its pickle, with a signature and without."""
    loaded = pickle.loads(pickle.dumps(model))
    saved = Signature.from_json(Signature.of_data(model, X, y).to_json())
    found = describe(loaded)
    return {
        True: Pipeline(loaded, signature=completed(saved, loaded, found)),
        False: Pipeline(loaded, signature=completed(None, loaded, found)),
    }


def wanted(model: Any, X: Any) -> Any:
    return written_out(model.predict(X) if hasattr(model, "predict") else model.transform(X))


def written_out(prediction: Any) -> Any:
    return prediction.toarray() if sparse.issparse(prediction) else np.asarray(prediction)


def ask(pipeline: Pipeline, body: forms.Body) -> Response:
    return pipeline.invoke(Request(body[0], body[1], "application/json", request_id="id"))


def difference(response: Response, expected: Any) -> str | None:
    """What is wrong with an answer; None if it is the expected one to the last bit."""
    if response.status != 200:
        return f"{response.status} {json.loads(response.body)['detail']}"
    given = _given(json.loads(response.body))
    if given.size == expected.size and expected.shape[1:] == (1,):  # as tensors are written
        given = given.reshape(expected.shape)
    if given.shape == expected.shape and _are_same(given, expected):
        return None
    return f"gave {given.tolist()}, not {expected.tolist()}"


def _given(document: Any) -> Any:
    """The values of an answer: tables as the rows of their values."""
    if isinstance(document, dict) and "outputs" in document:
        outputs = document["outputs"]
        found = [np.reshape(each["data"], each["shape"]) for each in outputs]
        return found[0] if len(found) == 1 else np.column_stack(found or [np.empty((SHOWN, 0))])
    rows: Any = document["predictions"] if isinstance(document, dict) else document
    if rows and isinstance(rows[0], dict):
        rows = [list(row.values()) for row in rows]
    return np.asarray(rows)


def _are_same(given: Any, expected: Any) -> bool:
    if expected.dtype.kind == "O":
        return bool(
            all(one == other or (one is None and other != other)
                for one, other in zip(given.ravel(), expected.ravel(), strict=True))
        )  # fmt: skip
    if expected.dtype.kind != "f" or not expected.size:
        return bool((given == expected).all())
    given, scale = given.astype(expected.dtype), float(np.nanmax(np.abs(expected), initial=0))
    relative = RELATIVE if expected.dtype == np.float64 else 0
    return np.allclose(given, expected, rtol=relative, atol=relative * scale, equal_nan=True)


def check(
    found: dict[bool, Pipeline], how: str, table: pd.DataFrame, expected: Any, used: dict[str, Any]
) -> list[str]:
    """What is wrong, for each form of these rows."""
    wrong = []
    for signed, pipeline in found.items():
        for form, write in used.items():
            problem = difference(ask(pipeline, write(table)), expected)
            case = (how, form, signed)
            if (
                problem
                and case not in OTHERWISE
                and not (case in ALLOWED and problem.startswith("4"))
            ):
                wrong.append(f"{form}, signature {signed}: {problem}")
    return wrong


@cache
def _data(how: str) -> Any:
    return CONTAINERS[how](models.FIGURES)


def _table(how: str) -> pd.DataFrame:
    X = _data(how)
    if how in ("array", "sparse"):
        X = pd.DataFrame(models.FIGURES, columns=["x1", "x2", "x3"])
    return X.iloc[:SHOWN]


CANNOT_BE_FITTED = {
    "sparse": {
        "bayes", "linear discriminant", "quadratic discriminant", "gaussian process", "process",
        "propagation", "mixture", "scaler", "scaled", "logarithms", "column of columns",
        "histogram boosting", "histograms", "catboost", "catboost figures", "components",
        "projection", "unlike outputs",
    },
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "how",
    [pytest.param(how, marks=[] if how in ALWAYS else pytest.mark.fidelity) for how in CONTAINERS],
)
@pytest.mark.parametrize("name", models.OF_FIGURES)
def test_models_of_figures(name: str, how: str) -> None:
    if name in CANNOT_BE_FITTED.get(how, ()):
        pytest.skip(f"{name} takes no {how} data")
    if name in models.BOOSTERS:
        pytest.importorskip(name.split()[0])
    X = _data(how)
    model = models.OF_FIGURES[name](X)
    table = _table(how)
    expected = wanted(model, X[:SHOWN] if how in ("array", "sparse") else table)

    wrong = check(
        pipelines(model, X), how.replace("sparse", "array"), table, expected,
        {**forms.FORMS, **forms.OF_NUMBERS},
    )  # fmt: skip

    assert not wrong, "\n".join(wrong)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", models.OF_TABLES)
def test_models_of_tables(name: str) -> None:
    model = models.OF_TABLES[name](models.MIXED)
    table = models.MIXED.iloc[:SHOWN]

    wrong = check(pipelines(model, models.MIXED), "table", table, wanted(model, table), forms.FORMS)

    assert not wrong, "\n".join(wrong)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("given", [list, np.array, pd.Series, lambda X: pd.Series(X, name="text")])
@pytest.mark.parametrize("name", models.OF_TEXTS)
def test_models_of_texts(name: str, given: Any) -> None:
    X = given(models.TEXTS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = models.OF_TEXTS[name]().fit(X, models.OPINIONS)
    shown = models.TEXTS[:SHOWN]
    bodies = {
        "csv": lambda t: ("".join(f'"{x}"\n' for x in shown).encode(), "text/csv"),
        "flat": lambda t: forms._json(shown),
        "nested": lambda t: forms._json([[x] for x in shown]),
        "instances": lambda t: forms._json({"instances": shown}),
        "lines": lambda t: forms._lines(shown),
    }

    wrong = check(pipelines(model, X), "texts", pd.DataFrame(), wanted(model, X[:SHOWN]), bodies)

    assert not wrong, "\n".join(wrong)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", models.OF_RECORDS)
def test_models_of_records(name: str) -> None:
    model = models.OF_RECORDS[name]().fit(models.RECORDS, models.LABELS)
    shown = [*models.RECORDS[:SHOWN], {"size": 3.0}, {"other": "x"}]
    bodies = {
        "records": lambda t: forms._json(shown),
        "instances": lambda t: forms._json({"instances": shown}),
        "lines": lambda t: forms._lines(shown),
    }
    found = pipelines(model, models.RECORDS)
    wrong = check(found, "records", pd.DataFrame(), wanted(model, shown), bodies)
    table = pd.DataFrame(models.RECORDS[:SHOWN])
    used = {form: forms.FORMS[form] for form in ("csv with names", "parquet", "split", "columns")}
    wrong += check(found, "records", table, wanted(model, models.RECORDS[:SHOWN]), used)

    assert not wrong, "\n".join(wrong)
