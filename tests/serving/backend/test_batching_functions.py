"""Batching around functions of a user's own: when it happens, and that nobody notices."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import NMF
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier, GradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from contract.settings import ServingSettings
from handler.invocation.batching import MOST_ROWS, TRIALS, Batcher
from handler.invocation.context import InvocationContext
from handler.invocation.invocation_progress import Invocation
from handler.invocation.pipeline import Pipeline
from handler.invocation.request_types import Request, Response
from handler.processes.invocation_time_limit import prepare_process
from handler.processes.process_shared_memory import ProcessRecord
from tests.serving.backend import pipelines

Predict = Callable[..., Any]


class FirstColumn(BaseEstimator):  # type: ignore[misc]
    """Predicts the first column, and records of how many rows at a time."""

    batchable = True

    def __init__(self) -> None:
        self.asked: list[int] = []

    def predict(self, X: Any) -> Any:
        self.asked.append(len(X))
        return np.asarray(X)[:, 0]


def request(value: object, number: int = 0, rows: int = 1) -> Invocation:
    body = f"{value},0\n" * rows
    context = InvocationContext("model", Path("/model"), f"id-{number}", {"X-Number": str(number)})
    return Invocation(Request(body.encode(), "text/csv", request_id=f"id-{number}"), context)


def ask(batcher: Batcher, *values: object) -> list[Any]:
    """What each of several single rows is answered at once; the status where that is no 200."""
    responses = batcher.answer([request(value, n) for n, value in enumerate(values)])
    return [_content(response) for response in responses]


def _content(response: Response) -> Any:
    if response.status != 200:
        return response.status
    try:
        return json.loads(response.body)
    except ValueError:
        return response.body


def tried(model: FirstColumn, batcher: Batcher) -> None:
    """Let a batcher find out that together is as alone."""
    for _ in range(TRIALS):
        ask(batcher, 1, 2)
    model.asked.clear()


def test_the_default_asks_once() -> None:
    """Rows of several requests make one prediction, once that is known to be as for each alone."""
    model = FirstColumn()
    batcher = Batcher(pipelines.around(model))

    answers = [ask(batcher, 1, 2, 3) for _ in range(TRIALS)]
    first = list(model.asked)
    model.asked.clear()
    answers += [ask(batcher, 1, 2, 3), ask(batcher, 6)]

    assert answers == [[[1], [2], [3]]] * (TRIALS + 1) + [[[6]]]
    assert first == [1, 1, 1, 3] * TRIALS
    assert model.asked == [3, 1]


def test_not_more_rows_at_a_time_than_pay() -> None:
    """Requests are put together up to a number of rows; one that has more is left alone."""
    model = FirstColumn()
    batcher = Batcher(pipelines.around(model))
    tried(model, batcher)
    sizes = [MOST_ROWS // 2, MOST_ROWS // 2, 1, MOST_ROWS + 1, 2]

    responses = batcher.answer([request(n, n, rows) for n, rows in enumerate(sizes)])

    assert [json.loads(one.body) for one in responses] == [
        [n] * rows for n, rows in enumerate(sizes)
    ]
    assert sorted(model.asked) == [3, MOST_ROWS, MOST_ROWS + 1]


def test_a_users_own_is_asked_for_each_alone() -> None:
    """Nothing says that it treats rows apart."""
    asked = []

    def predict_fn(data: Any, model: Any) -> Any:
        asked.append(len(data))
        return data[:, 0] - data[:, 0].mean()

    assert ask(Batcher(pipelines.around(None, predict_fn=predict_fn)), 1, 2, 3) == [[0.0]] * 3
    assert asked == [1, 1, 1]


def batchable(predict: Predict, **functions: Predict) -> Pipeline:
    """A pipeline of a predict_fn that says that rows are independent for it."""
    predict.batchable = True  # type: ignore[attr-defined]
    return pipelines.around(None, predict_fn=predict, **functions)


def test_a_users_own_that_says_so_is_asked_once() -> None:
    """``batchable``: as the default; a context belongs to one request, so there is none."""
    contexts = []

    def predict_fn(data: Any, model: Any, context: Any) -> Any:
        contexts.append(context)
        return data[:, 0]

    batcher = Batcher(batchable(predict_fn))
    ask(batcher, 1, 2)
    contexts.clear()

    assert ask(batcher, 1, 2, 3) == [[1], [2], [3]]
    assert contexts == [None]


def test_functions_around_a_prediction_are_each_requests_own() -> None:
    """input_fn and output_fn get the body, the Accept and the context of their own request."""
    model = FirstColumn()

    def input_fn(body: Any, content_type: str, context: Any) -> Any:
        if body.startswith("bad"):
            raise ValueError("no good")
        return np.array(
            [[float(body.split(",")[0]), float(context.get_request_header(0, "X-Number"))]]
        )

    def output_fn(prediction: Any, accept: str, context: Any) -> Any:
        if prediction[0] == 13:
            raise RuntimeError("unlucky")
        context.set_response_status(200 + int(prediction[0]), "Well", 0)
        return f"{prediction[0]} of {context.get_request_id(0)}", "text/plain"

    pipeline = pipelines.around(model, input_fn=input_fn, output_fn=output_fn)
    batcher = Batcher(pipeline)
    tried(model, Batcher(pipelines.around(model)))
    batcher._trials = 0
    invocations = [request(value, n) for n, value in enumerate([5, "bad", 13, 7])]

    responses = batcher.answer(invocations)

    assert [_content(one) for one in responses] == [b"5.0 of id-0", 400, 500, b"7.0 of id-3"]
    assert invocations[3].context.get_response_status(0) == (207, "Well")
    assert model.asked[0] == 3


@pytest.mark.parametrize(
    ("error", "status"),
    [(ValueError, 500), (MemoryError, 507), (SystemExit, 500), (KeyError, 500)],
)
def test_a_fault_in_one_is_that_ones_alone(error: type[BaseException], status: int) -> None:
    """A predict_fn that raises for one request's rows: the others get their answers."""

    def predict_fn(data: Any, model: Any) -> Any:
        if (data[:, 0] == 2).any():
            raise error
        return data[:, 0]

    batcher = Batcher(batchable(predict_fn))

    assert ask(batcher, 1, 2, 3) == [[1], status, [3]]
    assert ask(batcher, 4, 5) == [[4], [5]]


def test_a_refused_row_is_counted_from_its_own_request() -> None:
    """The place that an error names is that of the caller's body, not of the batch."""
    batcher = Batcher(pipelines.of_numbers("linear"))
    bodies = [b"1,2,3\n1,2,3\n", b"1,2,3\n1,,3\n", b"4,5,6\n"]

    responses = batcher.answer([Invocation(Request(body, "text/csv")) for body in bodies])

    assert [one.status for one in responses] == [200, 422, 200]
    assert {"row": 2, "column": 2}.items() <= json.loads(responses[1].body).items()


@pytest.mark.parametrize(
    "predict",
    [
        lambda data, model: {"sum": data[:, 0].sum()},
        lambda data, model: float(data[:, 0].sum()),
        lambda data, model: (data[:, 0], data[:, 1]),
        lambda data, model: [data[:, 0], data[:, 1]],
        lambda data, model: np.array([data[:, 0], data[:, 1]]),
        lambda data, model: pd.DataFrame({"both": [data[:, 0].sum(), data[:, 1].sum()]}),
        lambda data, model: np.array(data[:, 0].sum()),
        lambda data, model: "text",
    ],
)
def test_a_prediction_that_is_not_made_of_rows(predict: Predict) -> None:
    """Even where its length happens to be that of all rows: each is asked for alone."""
    pipeline = batchable(predict)
    batcher = Batcher(pipeline)

    for values in ([1, 2], [3, 4], [5, 6, 7]):
        together = batcher.answer([request(value) for value in values])

        assert together == [pipeline.answer(request(value)) for value in values]


@pytest.mark.parametrize(
    "predict",
    [
        lambda data, model: data[:, 0],
        lambda data, model: data[:, 0].tolist(),
        lambda data, model: data.tolist(),
        lambda data, model: pd.Series(data[:, 0], name="figure"),
        lambda data, model: pd.DataFrame({"first": data[:, 0], "text": ["a"] * len(data)}),
        lambda data, model: sparse.csc_matrix(data),
        lambda data, model: [{"label": str(value)} for value in data[:, 0]],
    ],
)
def test_a_prediction_that_is_made_of_rows(predict: Predict) -> None:
    """Whatever holds the rows, each request's are as they are alone."""
    calls = []

    def counted(data: Any, model: Any) -> Any:
        calls.append(len(data))
        return predict(data, model)

    pipeline = batchable(counted)
    batcher = Batcher(pipeline)
    invocations = [request(value, rows=rows) for value, rows in [(1, 1), (2, 3), (3, 2)]]

    together = batcher.answer(invocations)

    assert calls == [6, 1]
    assert together == [pipeline.answer(one) for one in invocations]


def masked(body: str, content_type: str) -> Any:
    values = np.array([[float(cell) for cell in body.strip().split(",")]])
    return np.ma.MaskedArray(values, mask=values == 0)


def indexed(body: str, content_type: str) -> Any:
    return pd.DataFrame({"value": [1.0]}, index=[f"index {body.strip()}"])


@pytest.mark.parametrize(
    ("input_fn", "predict"),
    [
        (masked, lambda data, model: data.mean(axis=1).filled(-1)),
        (indexed, lambda data, model: data.index.to_numpy()),
        (lambda body, content_type: [body], lambda data, model: data),
        (lambda body, content_type: np.float64(len(body)), lambda data, model: [float(data)]),
    ],
)
def test_what_would_be_lost_by_putting_together(input_fn: Predict, predict: Predict) -> None:
    """A mask, an index, or data that is no array: each is asked for alone."""
    pipeline = batchable(predict, input_fn=input_fn)

    together = Batcher(pipeline).answer([request(value) for value in (3, 0, 44)])

    assert together == [pipeline.answer(request(value)) for value in (3, 0, 44)]
    assert [one.status for one in together] == [200] * 3


def positive(X: Any) -> Any:
    return np.reshape(X - np.min(X, axis=0) + 1, np.shape(X))


def ranked(X: Any) -> Any:
    return np.argsort(np.argsort(X, axis=0), axis=0)


def filled(X: Any) -> Any:
    return np.where(np.isnan(X), np.nanmean(X, axis=0), X)


class OwnScaler(BaseEstimator):  # type: ignore[misc]
    """Scales by what it is given, not by what it was fitted on."""

    def fit(self, X: Any, y: Any = None) -> OwnScaler:
        return self

    def transform(self, X: Any) -> Any:
        return X / np.abs(X).max()


class OwnTree(DecisionTreeClassifier):  # type: ignore[misc]
    """Looks at all rows before it answers."""

    def predict(self, X: Any, check_input: bool = True) -> Any:
        return super().predict(X - X.mean(axis=0))


class Counter(BaseEstimator):  # type: ignore[misc]
    """Answers by how often it was asked."""

    def __init__(self) -> None:
        self.times = 0

    def predict(self, X: Any) -> Any:
        self.times += 1
        return np.full(len(X), self.times)


def fitted(*steps: Any) -> Any:
    return make_pipeline(*steps, DecisionTreeClassifier(random_state=0)).fit(
        pipelines.X, pipelines.LABELS
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: make_pipeline(StandardScaler(with_mean=False), NMF(2)).fit(np.abs(pipelines.X)),
        lambda: fitted(FunctionTransformer(positive)),
        lambda: fitted(FunctionTransformer(ranked)),
        lambda: fitted(FunctionTransformer(filled)),
        lambda: fitted(OwnScaler()),
        lambda: fitted(FeatureUnion([("own", OwnScaler())])),
        lambda: fitted(ColumnTransformer([("own", FunctionTransformer(positive), [0, 1])])),
        lambda: CalibratedClassifierCV(fitted(OwnScaler())).fit(pipelines.X, pipelines.LABELS),
        lambda: VotingClassifier([("own", fitted(OwnScaler()))]).fit(pipelines.X, pipelines.LABELS),
        lambda: OneVsRestClassifier(OwnTree()).fit(pipelines.X, pipelines.LABELS),
        lambda: BaggingClassifier(OwnTree()).fit(pipelines.X, pipelines.LABELS),
        lambda: GridSearchCV(OwnTree(), {"max_depth": [2, 3]}).fit(pipelines.X, pipelines.LABELS),
        lambda: TransformedTargetRegressor(
            LinearRegression(), func=np.abs, inverse_func=positive, check_inverse=False
        ).fit(pipelines.X, pipelines.FIGURES),
        lambda: GradientBoostingClassifier(init=OwnTree()).fit(pipelines.X, pipelines.LABELS),
        lambda: SVC(kernel=lambda X, Y: X @ Y.T, max_iter=9).fit(pipelines.X, pipelines.LABELS),
        lambda: DummyClassifier(strategy="stratified").fit(pipelines.X, pipelines.LABELS),
        lambda: DummyClassifier(strategy="uniform").fit(pipelines.X, pipelines.LABELS),
        Counter,
        lambda: OwnTree().fit(pipelines.X, pipelines.LABELS),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_rows_that_may_matter_to_each_other_are_kept_apart(make: Callable[[], Any]) -> None:
    """What is not known, wherever in a model it stands, never sees two requests at once."""
    model = make()
    pipeline = pipelines.around(model)
    pipeline = replace(pipeline, model=model)
    seen: list[int] = []
    method = "predict" if hasattr(model, "predict") else "transform"
    answer = getattr(model, method)
    predict = lambda data: (seen.append(data.shape[0]), answer(data))[1]  # noqa: E731
    pipeline.__dict__["_predictor"] = predict
    bodies = [",".join(map(str, row)).encode() for row in np.abs(pipelines.X[:6]).tolist()]

    Batcher(pipeline).answer([Invocation(Request(one, "text/csv")) for one in bodies])

    assert seen == [1] * 6
    assert pipeline.why_alone is not None
    assert pipeline.why_alone in pipeline.how_rows_are_predicted()


class Liar(BaseEstimator):  # type: ignore[misc]
    """Says that rows are apart for it, and lies."""

    batchable = True

    def predict(self, X: Any) -> Any:
        return X[:, 0] - X[:, 0].mean()


def test_what_lies_is_found_out_before_it_matters(caplog: pytest.LogCaptureFixture) -> None:
    """The first answers are those for each alone; the others too, once they have been compared."""
    batcher = Batcher(pipelines.around(Liar()))

    assert [ask(batcher, 1, 2, 3) for _ in range(3)] == [[[0.0]] * 3] * 3
    assert "otherwise together than alone" in caplog.text


class OfNoRow(BaseEstimator):  # type: ignore[misc]
    """Predicts two figures, whatever it is asked."""

    def predict(self, X: Any) -> Any:
        return np.zeros(2)


def test_a_model_that_is_wrong_alone_is_wrong_together() -> None:
    """Two rows, two predictions, by accident: still they belong to no row."""
    assert ask(Batcher(pipelines.around(OfNoRow())), 1, 2) == [500, 500]


def test_a_transform_fn_is_never_batched() -> None:
    """It does all of the work, for one request."""

    def transform_fn(model: Any, body: Any, content_type: str, accept: str) -> Any:
        return body.upper(), "text/plain"

    batcher = Batcher(pipelines.around(None, transform_fn=transform_fn))

    assert ask(batcher, "a", "b") == [b"A,0\n", b"B,0\n"]


def test_too_slow_together_is_not_too_slow_alone() -> None:
    """A batch that takes too long is lost, and the next ones are smaller."""

    def predict_fn(data: Any, model: Any) -> Any:
        time.sleep(0.3 * len(data))
        return data[:, 0]

    prepare_process()
    record = ProcessRecord()
    slow = batchable(predict_fn)
    slow = replace(slow, settings=ServingSettings(timeout=1), limit=record.limit)
    batcher = Batcher(slow)

    assert ask(batcher, 1, 2, 3, 4) == [504] * 4
    assert ask(batcher, 1, 2, 3, 4) == [[1], [2], [3], [4]]
