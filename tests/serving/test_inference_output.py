"""What a classifier answers by SAGEMAKER_INFERENCE_OUTPUT: the model's own labels and figures."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from contract import Paths, save_signature
from contract.errors import ModelLoadError
from contract.settings import ServingSettings
from handler.invocation.batching import TRIALS, Batcher
from handler.invocation.invocation_progress import Invocation
from handler.invocation.pipeline import Pipeline
from handler.invocation.pipeline_loading import load_pipeline
from handler.invocation.request_types import Request
from tests.serving.conftest import Tree, running

LABEL, ONE, ALL = "predicted_label", "probability", "probabilities"
JSON, CSV, LINES = "application/json", "text/csv", "application/jsonlines"
PARQUET, NPY = "application/vnd.apache.parquet", "application/x-npy"

rng = np.random.default_rng(0)
X = pd.DataFrame(
    {"a": rng.normal(size=90), "b": rng.normal(size=90), "town": rng.choice(["x", "y"], 90)}
)
NUMBERS = X[["a", "b"]]
SCORE = X["a"] + 0.5 * rng.normal(size=90)
TWO = np.where(SCORE > 0, "yes", "no")
THREE = np.select([SCORE < -0.5, SCORE < 0.5], ["low", "mid"], "high")
ROWS = X.head(7)

Load = Callable[..., Pipeline]


def of_columns() -> Any:
    return make_column_transformer((StandardScaler(), ["a", "b"]), (OneHotEncoder(), ["town"]))


class Overwrites(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Writes to what it is given, as a scaler with ``copy=False`` may."""

    def fit(self, X: Any, y: Any = None) -> Overwrites:
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: Any) -> Any:
        X = X.to_numpy() if hasattr(X, "to_numpy") else X
        if not X.flags.writeable:
            X = X.copy()
        X += 1.0
        return X


class OfNoClass(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Predicts what is none of its classes."""

    classes_ = np.array(["low", "mid", "high"])

    def fit(self, X: Any, y: Any) -> OfNoClass:
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: Any) -> Any:
        return np.array(["none"] * len(X))

    def predict_proba(self, X: Any) -> Any:
        return np.full((len(X), 3), 1 / 3)


MODELS: dict[str, tuple[Any, Any, Any]] = {
    "pipeline, 2 texts": (make_pipeline(of_columns(), LogisticRegression()), X, TWO),
    "pipeline, 3 texts": (make_pipeline(of_columns(), LogisticRegression()), X, THREE),
    "forest, whole numbers": (RandomForestClassifier(5, random_state=0), NUMBERS, SCORE > 0),
    "calibrated": (CalibratedClassifierCV(LinearSVC(), ensemble=False), NUMBERS, THREE),
    "search": (GridSearchCV(DecisionTreeClassifier(max_depth=2), {}), NUMBERS, THREE),
    "boosted": (XGBClassifier(n_estimators=3), NUMBERS, np.searchsorted(np.unique(THREE), THREE)),
    "overwrites": (make_pipeline(Overwrites(), LogisticRegression()), NUMBERS.to_numpy(), THREE),
}


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    """Load a model as a server would, its signature and inference.py beside it."""

    path = list(sys.path)

    def load(
        model: Any,
        words: tuple[str, ...] = (),
        signature: dict[str, Any] | None = None,
        source: str = "",
        **settings: Any,
    ) -> Pipeline:
        folder = tmp_path / f"model-{len(list(tmp_path.iterdir()))}"
        (folder / "code").mkdir(parents=True)
        joblib.dump(model, folder / "model.joblib")
        if signature is not None:
            save_signature(model, model_dir=folder, **signature)
        if source:
            (folder / "code" / "inference.py").write_text(source)
        made = ServingSettings(
            paths=Paths(tmp_path), algorithm_dir=tmp_path / "none", inference_output=words
        )
        return load_pipeline(folder, replace(made, **settings))

    yield load
    sys.path[:] = path
    sys.modules.pop("inference", None)


def body_of(rows: Any) -> tuple[bytes, str]:
    if isinstance(rows, pd.DataFrame):
        return rows.to_csv(index=False).encode(), CSV
    return json.dumps(rows.tolist()).encode(), JSON


def ask(pipeline: Pipeline, rows: Any, accept: str = JSON) -> bytes:
    response = pipeline.invoke(Request(*body_of(rows), accept))
    assert response.status == 200, response.body
    return response.body


def expected(model: Any, rows: Any) -> pd.DataFrame:
    """What all words ask for, by the model's own methods."""
    figures = model.predict_proba(rows.copy()).astype(np.float64)
    labels = model.predict(rows.copy())
    classes = list(model.classes_)
    likeliest = [row[classes.index(label)] for row, label in zip(figures, labels, strict=True)]
    one = figures[:, 1] if len(classes) == 2 else likeliest
    names = [f"probability_{label}" for label in classes]
    return pd.DataFrame({LABEL: labels, ONE: one, **dict(zip(names, figures.T, strict=True))})


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_every_content_type_says_what_the_model_says(load: Load, name: str, fast: bool) -> None:
    """To the last bit, with the same names, by the short way and by the library's own."""
    model, features, target = MODELS[name]
    model.fit(features, target)
    rows = features[:7]
    truth = expected(model, rows)
    pipeline = load(model, (LABEL, ONE, ALL), fast_predictions=fast)

    for _ in range(2):
        records = json.loads(ask(pipeline, rows))
        lines = [json.loads(line) for line in ask(pipeline, rows, LINES).splitlines()]
        parquet = pd.read_parquet(io.BytesIO(ask(pipeline, rows, PARQUET)))
        headed = ask(pipeline, rows, f"{CSV}; header=present").decode()
        bare = ask(pipeline, rows, CSV).decode()

        assert records == lines == truth.to_dict("records")
        assert parquet.to_dict("records") == truth.to_dict("records")
        assert headed == truth.to_csv(index=False, header=True)
        assert headed == f"{','.join(truth.columns)}\n{bare}"


def test_one_word_is_a_value_or_a_table_by_itself(load: Load) -> None:
    """A vector of figures, a matrix of them in numpy's format, tensors under their names."""
    model = make_pipeline(of_columns(), LogisticRegression()).fit(X, THREE)
    truth = expected(model, ROWS)
    tensors = {
        "inputs": [
            {"name": name, "shape": [7], "datatype": kind, "data": ROWS[name].tolist()}
            for name, kind in [("a", "FP64"), ("b", "FP64"), ("town", "BYTES")]
        ]
    }

    one, each = load(model, (ONE,)), load(model, (ALL,))
    outputs = json.loads(each.invoke(Request(json.dumps(tensors).encode(), JSON)).body)["outputs"]

    assert json.loads(ask(one, ROWS)) == truth[ONE].tolist()
    assert ask(one, ROWS, f"{CSV}; header=present").decode().startswith("probability\n0.")
    assert np.load(io.BytesIO(ask(one, ROWS, NPY))).tolist() == truth[ONE].tolist()
    assert np.load(io.BytesIO(ask(each, ROWS, NPY))).tolist() == model.predict_proba(ROWS).tolist()
    assert {output["name"]: output["data"] for output in outputs} == {
        name: truth[name].tolist() for name in truth.columns[2:]
    }


@pytest.mark.parametrize("words", [(LABEL, ALL), (ALL,), (ONE,)])
def test_rows_of_several_requests_are_told_apart(load: Load, words: tuple[str, ...]) -> None:
    """Together as alone, before and after the first answers were compared."""
    model = make_pipeline(of_columns(), LogisticRegression()).fit(X, THREE)
    batcher = Batcher(load(model, words))
    parts = [ROWS[:1], ROWS[1:4], ROWS[4:]]
    every = expected(model, ROWS)
    truth = every[[n for n in every if n in words or (ALL in words and n not in (LABEL, ONE))]]

    for _ in range(TRIALS + 2):
        answers = batcher.answer([Invocation(Request(*body_of(part), LINES)) for part in parts])
        lines = [json.loads(line) for answer in answers for line in answer.body.splitlines()]
        found = pd.DataFrame(lines, columns=None if isinstance(lines[0], dict) else [ONE])

        # A product of matrices may be added up in another order for another number of rows.
        pd.testing.assert_frame_equal(found, truth, rtol=1e-12)
    assert batcher.is_together


def test_training_asks_and_the_environment_counts_first(load: Load) -> None:
    """A signature says it for its model; the setting says it for all, and the usual answer too."""
    model = LogisticRegression().fit(NUMBERS, TWO)
    described = {"X": NUMBERS, "y": TWO, "inference_output": "predicted_label, probability"}
    truth = expected(model, NUMBERS.head(2))

    asked = load(model, signature=described)
    instead = load(model, (LABEL,), signature=described)

    assert json.loads(ask(asked, NUMBERS.head(2))) == truth[[LABEL, ONE]].to_dict("records")
    assert json.loads(ask(instead, NUMBERS.head(2))) == truth[LABEL].tolist()


TWO_TARGETS = np.column_stack([SCORE > 0, X["b"] > 0]).astype(int)


@pytest.mark.parametrize(
    ("model", "target", "reason"),
    [
        (LinearRegression(), SCORE, "a LinearRegression has no predict_proba"),
        (LinearSVC(), TWO, "it has decision_function alone"),
        (
            make_pipeline(StandardScaler(), SVC()),
            TWO,
            "a SVC, the last of a Pipeline, has no predict_proba: it has decision_function alone",
        ),
        (StandardScaler(), None, "a StandardScaler has no predict_proba"),
        (DecisionTreeClassifier(), TWO_TARGETS, "answers several outputs"),
        (MultiOutputClassifier(LogisticRegression()), TWO_TARGETS, "answers several outputs"),
        (MLPClassifier(tol=1.0), TWO_TARGETS, "several labels to a row"),
        (OfNoClass(), THREE, "a label that is none of"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_probabilities_is_refused_at_load(
    load: Load, model: Any, target: Any, reason: str
) -> None:
    """The setting is named, and what the model lacks; by the signature as well."""
    model.fit(NUMBERS, target)
    with pytest.raises(ModelLoadError, match=reason) as by_setting:
        load(model, (ONE,))
    with pytest.raises(ModelLoadError, match=reason) as by_signature:
        load(model, signature={"X": NUMBERS, "inference_output": [ONE]})

    assert "SAGEMAKER_INFERENCE_OUTPUT=probability" in str(by_setting.value)
    assert "inference_output in signature.json (probability" in str(by_signature.value)
    load(model)


def test_a_function_of_the_users_decides_by_itself(
    load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says that the setting is not used; any other function sees the named answer."""
    model = LogisticRegression().fit(NUMBERS, TWO)
    own = "def predict_fn(data, model):\n    return model.predict(data)\n"

    with caplog.at_level(logging.WARNING):
        decided = load(model, (ALL,), source=own)

    assert json.loads(ask(decided, NUMBERS[:1])) == model.predict(NUMBERS[:1]).tolist()
    assert "SAGEMAKER_INFERENCE_OUTPUT=probabilities is not used: predict_fn says" in caplog.text


def test_an_output_fn_gets_the_named_answer(load: Load) -> None:
    """A data frame, as a predict_fn might have returned it."""
    model = LogisticRegression().fit(NUMBERS, TWO)
    source = "def output_fn(prediction, accept):\n    return ','.join(prediction.columns)\n"

    pipeline = load(model, (ALL,), source=source)

    assert ask(pipeline, NUMBERS[:1]) == b"probability_no,probability_yes"


@pytest.mark.slow
def test_over_the_real_server(tree: Tree) -> None:
    """The environment's setting reaches the workers, alone and in a batch."""
    model = make_pipeline(of_columns(), LogisticRegression()).fit(X, THREE)
    joblib.dump(model, tree.paths.model / "model.joblib")
    truth = expected(model, ROWS)

    with running(
        tree, SAGEMAKER_MODEL_SERVER_WORKERS="1", SAGEMAKER_INFERENCE_OUTPUT=f"{LABEL},{ONE}"
    ) as server:
        answer = server.post(ROWS.to_csv(index=False), Accept=f"{CSV}; header=present")
        instances = {"instances": ROWS.to_dict("records")}
        enveloped = server.post(json.dumps(instances), JSON)

    assert answer.body.decode() == truth[[LABEL, ONE]].to_csv(index=False)
    assert json.loads(enveloped.body) == {"predictions": truth[[LABEL, ONE]].to_dict("records")}
