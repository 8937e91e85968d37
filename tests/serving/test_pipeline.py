"""Scripts in the ways that users of SageMaker write them, each against the real pipeline."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler

from contract import Paths
from contract.settings import ServingSettings
from handler.invocation.pipeline import Pipeline
from handler.invocation.pipeline_loading import load_pipeline
from handler.invocation.request_types import Request, Response
from tests.serving.conftest import save_mixed, save_positional

Load = Callable[..., Pipeline]


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    """Load the positional model, or what `save` saves, with this source as its inference.py."""
    path = list(sys.path)

    def load(
        source: str | None = None,
        save: Callable[[Path], None] = save_positional,
        **settings: Any,
    ) -> Pipeline:
        model_dir = tmp_path / "model"
        model_dir.mkdir()
        save(model_dir)
        if source is not None:
            (model_dir / "code").mkdir()
            (model_dir / "code" / "inference.py").write_text(source)
        made = ServingSettings(paths=Paths(tmp_path), algorithm_dir=tmp_path / "none", **settings)
        return load_pipeline(model_dir, made)

    yield load
    sys.path[:] = path
    sys.modules.pop("inference", None)


def csv(pipeline: Pipeline, body: str = "2,0\n0,0\n", accept: str | None = None) -> Response:
    return pipeline.invoke(Request(body.encode(), "text/csv", accept, request_id="id-1"))


def test_nothing_but_a_model(load: Load) -> None:
    """Without any user code, the codecs and the model's predict are all there is to it."""
    response = csv(load())

    assert response == Response(b"[1,0]", "application/json", 200)


AWS_SCRIPT = """
import argparse, json, os
import joblib
import numpy as np

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))

def input_fn(request_body, request_content_type):
    if request_content_type == "text/csv":
        assert isinstance(request_body, str)
        return np.array([[float(v) for v in row.split(",")] for row in request_body.split()])
    raise ValueError("{} not supported by script!".format(request_content_type))

def predict_fn(input_data, model):
    return model.predict_proba(input_data)

def output_fn(prediction, content_type):
    return json.dumps({"scores": prediction.tolist()})

if __name__ == "__main__":
    raise SystemExit("the training half must not run")
"""


def test_a_script_for_awss_own_image(load: Load) -> None:
    """Four functions without context, text handed over as text, the main guard left alone."""
    pipeline = load(AWS_SCRIPT)

    response = csv(pipeline)
    refused = pipeline.invoke(Request(b"1", "text/plain; charset=utf-8"))

    assert json.loads(response.body) == {"scores": [[0.0, 1.0], [1.0, 0.0]]}
    assert response.content_type == "application/json"
    assert refused.status == 400
    assert "text/plain not supported by script!" in json.loads(refused.body)["detail"]


@pytest.mark.parametrize(
    ("output_fn", "accept", "body", "content_type"),
    [
        ("return 'text'", "text/plain", b"text", "text/plain"),
        ("return b'bytes', 'image/png'", "*/*", b"bytes", "image/png"),
        ("return prediction.tolist()", None, b"[1,0]", "application/json"),
        ("return prediction", "text/csv", b"1\n0\n", "text/csv"),
        ("return {'labels': prediction}", None, b'{"labels":[1,0]}', "application/json"),
        ("return prediction, 'text/csv'", None, b"1\n0\n", "text/csv"),
        ("return accept", "text/csv;q=0.5, x/y", b"x/y", "x/y"),
        ("return accept", "*/*", b"application/json", "application/json"),
        ("return Answer()", None, b"of an object", "text/html"),
    ],
)
def test_what_an_output_fn_may_return(
    load: Load, output_fn: str, accept: str | None, body: bytes, content_type: str
) -> None:
    """A body, a pair of body and type, a response object, or a prediction still to be encoded."""
    source = f"""
class Answer:
    mimetype = "text/html"
    def get_data(self):
        return b"of an object"

def output_fn(prediction, accept):
    {output_fn}
"""

    response = csv(load(source), accept=accept)

    assert response == Response(body, content_type, 200)


def test_transform_fn_does_it_all(load: Load) -> None:
    """One function in place of three."""
    source = """
def transform_fn(model, body, content_type, accept):
    rows = [[float(v) for v in row.split(",")] for row in body.split()]
    return "|".join(map(str, model.predict(rows))), "text/pipes"
"""

    assert csv(load(source)) == Response(b"1|0", "text/pipes", 200)


def test_hooks_around_loading(load: Load, tmp_path: Path) -> None:
    """pre_model_fn before the model is there, model_warmup_fn with it."""
    source = """
calls = []
def pre_model_fn(model_dir):
    calls.append(("before", model_dir))
def model_warmup_fn(model_dir, model):
    calls.append(("after", type(model).__name__))
def predict_fn(data, model):
    return calls
"""

    answer = json.loads(csv(load(source)).body)

    assert answer == [["before", str(tmp_path / "model")], ["after", "DecisionTreeClassifier"]]


OLD_FRAMEWORK = """
from sagemaker_containers.beta.framework import (
    content_types, encoders, env, modules, transformer, worker)

def input_fn(body, content_type):
    return encoders.decode(body, content_type)

def output_fn(prediction, accept):
    if accept == "application/json":
        return worker.Response('{"instances": 2}', mimetype=accept)
    if accept == content_types.CSV:
        return worker.Response(encoders.encode(prediction, accept), mimetype=accept)
    return worker.Response("tea", status=418, mimetype="text/plain")
"""


@pytest.mark.parametrize(
    ("accept", "response"),
    [
        (None, Response(b'{"instances": 2}', "application/json")),
        ("text/csv", Response(b"1\n0\n", "text/csv")),
        ("text/tea", Response(b"tea", "text/plain", 418)),
    ],
)
def test_a_script_for_the_old_framework(load: Load, accept: str | None, response: Response) -> None:
    """Scripts that import sagemaker_containers, as AWS's pipeline example does, run unchanged."""
    assert csv(load(OLD_FRAMEWORK), accept=accept) == response


TOOLKIT_DECODER = """
from sagemaker_inference import content_types, decoder, encoder, environment

def input_fn(body, content_type):
    return decoder.decode(body, content_type)

def output_fn(prediction, accept):
    return encoder.encode(prediction, content_types.JSON), content_types.JSON
"""


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return Path.touch, (self.file,)


def test_the_toolkits_decoder_is_safe_here(load: Load, tmp_path: Path) -> None:
    """User code may call the toolkit; what a request holds is not unpickled even then."""
    pipeline = load(TOOLKIT_DECODER)
    bomb = np.array([Bomb(tmp_path / "exploded")], dtype=object)

    good = pipeline.invoke(Request(npy(np.array([[2.0, 0.0]])), "application/x-npy"))
    bad = pipeline.invoke(Request(npy(bomb), "application/x-npy"))
    pickled = pipeline.invoke(Request(pickle.dumps(bomb), "application/x-npy"))
    unknown = pipeline.invoke(Request(b"x", "image/png"))

    assert (good.status, good.body) == (200, b"[1]")
    assert (bad.status, pickled.status, unknown.status) == (400, 400, 415)
    assert not (tmp_path / "exploded").exists()


def test_a_bug_is_500_and_says_no_more_than_it_must(
    load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller gets the type and the request id; the log gets the rest."""
    source = "def predict_fn(data, model): return model.absent"

    with caplog.at_level("ERROR", logger="byo"):
        response = csv(load(source))

    problem = json.loads(response.body)
    assert (response.status, problem["request_id"]) == (500, "id-1")
    assert "absent" not in response.body.decode()
    assert "has no attribute 'absent'" in caplog.text


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("def predict_fn(data, model): return int('x')", 500),
        ("def predict_fn(data, model): return model.predict(data[:, :1])", 422),
        ("def output_fn(prediction, accept): raise ValueError('a bug')", 500),
        ("def input_fn(body, content_type): return body['x']", 500),
    ],
)
def test_whose_fault_in_a_users_function(load: Load, source: str, status: int) -> None:
    """A ValueError of the user's own is a bug, one from where scikit-learn checks is not."""
    assert csv(load(source)).status == status


def test_text_in_a_model_of_numbers_names_row_and_column(load: Load) -> None:
    """Named columns: the place is named as the caller knows it."""
    pipeline = load(save=save_mixed)

    problem = json.loads(csv(pipeline, "mass,island\n1,Dream\nheavy,Dream\n").body)

    assert (problem["status"], problem["row"], problem["column"]) == (422, 2, "mass")


def test_named_rows_in_any_order_and_form(load: Load) -> None:
    """Records, a split object and CSV give the same answer as the data frame itself."""
    pipeline = load(save=save_mixed)
    frame = pd.DataFrame({"mass": [9.0, 1.0], "island": ["Biscoe", "Dream"]})

    answers = [
        pipeline.invoke(Request(body.encode(), content_type)).body
        for body, content_type in [
            (frame.to_json(orient="records"), "application/json"),
            (frame.to_json(orient="split"), "application/json"),
            (frame.to_json(orient="records", lines=True), "application/jsonlines"),
            (frame.to_csv(index=False), "text/csv"),
        ]
    ]

    assert answers == [b'["large","small"]'] * 4


def test_instances_are_answered_with_predictions(load: Load) -> None:
    """The envelope that serving systems share, both ways."""
    response = load().invoke(Request(b'{"instances": [[2, 0], [0, 0]]}', "application/json"))

    assert json.loads(response.body) == {"predictions": [1, 0]}


def save_transformer(model_dir: Path) -> None:
    joblib.dump(StandardScaler(with_mean=False).fit(np.eye(3)), model_dir / "model.joblib")


def test_a_transformer_takes_and_gives_sparse_rows(load: Load) -> None:
    """A model without predict transforms, sparse in and sparse out."""
    body = io.BytesIO()
    scipy.sparse.save_npz(body, scipy.sparse.eye(3, format="csr"))

    response = load(save=save_transformer).invoke(
        Request(body.getvalue(), "application/x-npz", "application/x-npz")
    )

    answer = scipy.sparse.load_npz(io.BytesIO(response.body))
    assert np.allclose(answer.toarray(), np.eye(3) / np.std([1, 0, 0]))


def test_the_default_accept_is_a_setting(load: Load) -> None:
    """SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT answers a client that accepts anything."""
    assert csv(load(default_accept="text/csv"), accept="*/*").body == b"1\n0\n"


def test_a_compressed_body_is_415(load: Load) -> None:
    """Said as such, rather than as bytes that can't be read."""
    response = load().invoke(Request(b"x", "text/csv", content_encoding="gzip"))

    assert response.status == 415
    assert "gzip" in json.loads(response.body)["detail"]


@pytest.mark.parametrize(
    "source",
    [
        "def predict_fn(data, model): pass",
        "def output_fn(prediction, accept): pass",
        "def transform_fn(model, body, content_type, accept): pass",
    ],
)
def test_a_forgotten_return_is_a_bug(load: Load, source: str) -> None:
    """Nothing is no answer."""
    response = csv(load(source))

    assert response.status == 500
    assert "lack a return" in json.loads(response.body)["detail"]


class OfTheFirstRow(BaseEstimator):  # type: ignore[misc]
    """Answers once, however many rows it is asked about."""

    def predict(self, X: Any) -> Any:
        return np.asarray(X)[:1, 0]


def save_of_the_first_row(model_dir: Path) -> None:
    joblib.dump(OfTheFirstRow(), model_dir / "model.joblib")


def test_a_prediction_for_each_row_or_none(load: Load) -> None:
    """An answer that belongs to no row is not given."""
    response = csv(load(save=save_of_the_first_row))

    assert response.status == 500
    assert "1 predictions for 2 rows" in json.loads(response.body)["detail"]


def test_what_the_script_defined_is_found_again(load: Load, tmp_path: Path) -> None:
    """One script trains and serves: its classes, pickled as __main__'s, are those it defines."""
    script = (
        "import joblib\n"
        "class Always:\n"
        "    def predict(self, X):\n"
        "        return ['always'] * len(X)\n"
        "if __name__ == '__main__':\n"
        "    joblib.dump(Always(), MODEL)\n"
    )

    def save(model_dir: Path) -> None:
        source = script.replace("MODEL", repr(str(model_dir / "model.joblib")))
        subprocess.run([sys.executable, "-P", "-c", source], check=True, timeout=60)

    try:
        response = csv(load(script, save))
    finally:
        vars(sys.modules["__main__"]).pop("Always", None)

    assert json.loads(response.body) == ["always", "always"]


def test_a_body_beyond_the_limit_is_413(load: Load) -> None:
    """The limit is named in bytes and by its setting."""
    problem = json.loads(csv(load(max_payload=4)).body)

    assert problem["status"] == 413
    assert "SAGEMAKER_MAX_PAYLOAD_IN_MB" in problem["detail"]


def test_code_that_takes_too_long_is_504(load: Load) -> None:
    """The time limit ends the invocation, not the process."""
    pipeline = load("import time\ndef predict_fn(data, model): time.sleep(60)", timeout=1)

    assert csv(pipeline).status == 504
