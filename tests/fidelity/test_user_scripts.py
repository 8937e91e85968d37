"""The same user's script under AWS's handler service and under ours, over a table of requests.

The answers agree: status, content type and body; of failures the status alone. Where they don't,
DIFFERENCES says why ours is better; whatever else differs fails.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.serving.conftest import save_positional

RUNNER = Path(__file__).with_name("script_runner.py")
SECONDS = 120

LOADS = """
import json, os
import joblib
import numpy as np

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))
"""
# By the kind of thing that it does.
SCRIPTS = {
    "compares types": """
def input_fn(body, content_type):
    if content_type == "text/csv":
        return np.array([[float(v) for v in row.split(",")] for row in body.splitlines()])
    if content_type == "application/json":
        return np.array(json.loads(body))
    raise ValueError("not supported: " + str(content_type))

def output_fn(prediction, accept):
    if accept == "text/csv":
        return "\\n".join(map(str, prediction))
    if accept == "application/json":
        return json.dumps(prediction.tolist())
    raise ValueError("not supported: " + accept)
""",
    "tells what it was handed": """
def input_fn(body, content_type):
    return type(body).__name__ + " " + str(content_type)

def predict_fn(data, model):
    return data

def output_fn(prediction, accept):
    return prediction + " " + accept
""",
    "takes a context": """
def input_fn(body, content_type, context):
    return context.get_request_header(0, "Content-Type")

def predict_fn(data, model, context):
    return [str(data), context.get_request_header(0, "Accept")]

def output_fn(prediction, accept, context):
    context.set_response_header(0, "X-Kind", "mine")
    return json.dumps(prediction)
""",
    "transforms": """
def transform_fn(model, body, content_type, accept):
    rows = [[float(v) for v in row.split(",")] for row in body.splitlines()]
    return json.dumps(model.predict(rows).tolist()), "application/vnd.mine+json"
""",
    "returns objects": """
def input_fn(body, content_type):
    return np.array([[2.0, 0.0]])

def predict_fn(data, model):
    return model.predict_proba(data)

def output_fn(prediction, accept):
    return {"scores": prediction.tolist()}
""",
    "returns an array": """
def input_fn(body, content_type):
    return np.array([[2.0, 0.0]])

def output_fn(prediction, accept):
    return prediction
""",
    "uses the toolkit": """
from sagemaker_inference import content_types, decoder, encoder, errors

def input_fn(body, content_type):
    return decoder.decode(body, content_type)

def predict_fn(data, model):
    return model.predict(np.atleast_2d(data))

def output_fn(prediction, accept):
    return encoder.encode(prediction, accept)
""",
    "raises the toolkit's errors": """
from sagemaker_inference import errors

def input_fn(body, content_type):
    raise errors.BaseInferenceToolkitError(418, "short", "and stout")
""",
    "refuses a body": """
def input_fn(body, content_type):
    raise ValueError("no such rows")
""",
    "fails": """
def predict_fn(data, model):
    return {}["absent"]
""",
    "only loads": "",
    "forgets a return": """
def input_fn(body, content_type):
    return np.array([[2.0, 0.0]])

def output_fn(prediction, accept):
    json.dumps(prediction.tolist())
""",
}


def npy(array: Any) -> str:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue().decode("latin-1")


ROWS = "2,0\n0,0\n"
REQUESTS: list[dict[str, Any]] = [
    {"headers": {"Content-Type": content_type, **accept}, "body": body}
    for content_type, body in [
        ("text/csv", ROWS),
        ("text/csv; charset=utf-8", ROWS),
        ("text/csv; label_size=1", ROWS),
        ("application/json", "[[2, 0], [0, 0]]"),
        ("application/x-npy", npy(np.array([[2.0, 0.0]]))),
        ("application/octet-stream", "\x00\xff"),
        ("text/plain", "2,0"),
        ("text/csv", "2,x\n"),
    ]
    for accept in [
        {},
        {"Accept": "*/*"},
        {"Accept": "text/csv"},
        {"Accept": "application/json"},
        {"Accept": "text/csv; header=present"},
        {"Accept": "text/csv;q=0.5, application/json"},
        {"Accept": "image/png"},
    ]
]


@dataclass(frozen=True)
class Case:
    """One request to one script, and both answers."""

    script: str
    content_type: str
    accept: str
    aws: dict[str, Any]
    ours: dict[str, Any]

    @property
    def agrees(self) -> bool:
        if self.aws["status"] == self.ours["status"] and self.aws["status"] != 200:
            return True
        return self.aws == self.ours


def text_with_parameters(case: Case) -> bool:
    essence, parameters, _ = case.content_type.partition(";")
    return bool(parameters) and essence in ("text/csv", "application/json")


def json_of(answer: dict[str, Any]) -> Any:
    try:
        return json.loads(answer["body"])
    except ValueError:
        return None


def refused(case: Case, *statuses: int) -> bool:
    """Whether ours says by one of some statuses whose fault it is, where AWS's says 500."""
    return case.aws["status"] == 500 and case.ours["status"] in statuses


def written_as_asked(case: Case) -> bool:
    """Whether a script left it to the server to write an object, and ours did or refused."""
    is_object = case.script in ("returns objects", "returns an array")
    return is_object and case.ours["status"] in (200, 406)


DIFFERENCES: dict[str, Callable[[Case], bool]] = {
    "a text is decoded whatever parameters its type has, and its charset is not handed on": (
        lambda case: text_with_parameters(case) and case.ours["status"] == 200
    ),
    "bodies that are no text are bytes, which can't be changed by mistake, not a bytearray": (
        lambda case: (
            case.aws["body"].startswith("bytearray ")
            and case.aws["body"].replace("bytearray", "bytes", 1) == case.ours["body"]
        )
    ),
    "of several types in Accept the preferred one is asked for and named, not the whole header": (
        lambda case: "," in case.accept and case.ours["type"] == "application/json"
    ),
    "what input_fn can't read is the caller's: 400": lambda case: refused(case, 400),
    "a type that nobody reads or writes is 415 or 406, before any work is done": (
        lambda case: case.aws["status"] >= 400 and case.ours["status"] in (415, 406)
    ),
    "text where a number belongs is the caller's, 422, and no missing value": (
        lambda case: case.script == "only loads" and case.ours["status"] == 422
    ),
    "JSON has no line breaks that nobody needs": (
        lambda case: (
            case.aws["status"] == 200 == case.ours["status"]
            and json_of(case.aws) is not None
            and json_of(case.aws) == json_of(case.ours)
        )
    ),
    "an object is written as the type that is asked for, or refused, never under a wrong name": (
        written_as_asked
    ),
    "what no script reads or writes is left to codecs that unpickle nothing": (
        lambda case: case.script == "only loads" and case.ours["status"] in (200, 400, 406, 415)
    ),
    "a function that returns nothing has a bug, which is no answer": (
        lambda case: case.script == "forgets a return" and case.ours["status"] == 500
    ),
}


def reason_of(case: Case) -> str | None:
    """Why a difference is meant to be."""
    return next((reason for reason, applies in DIFFERENCES.items() if applies(case)), None)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Case]]:
    """All answers, by script."""
    folders = {script: tmp_path_factory.mktemp("script") / "model" for script in SCRIPTS}
    for script, folder in folders.items():
        save_positional(folder)
        (folder / "code").mkdir()
        (folder / "code" / "inference.py").write_text(LOADS + SCRIPTS[script])
    for which in ("aws", "ours"):
        run_scripts(which, list(folders.values()))
    return {script: cases_of(script, folder) for script, folder in folders.items()}


def run_scripts(which: str, folders: list[Path]) -> None:
    environ = {**os.environ, "BYO_ALGORITHM_DIR": str(folders[0] / "none")}
    done = subprocess.run(
        [sys.executable, "-P", RUNNER, which, *map(str, folders)],
        input=json.dumps(REQUESTS),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env=environ,
    )
    assert done.returncode == 0, done.stderr


def cases_of(script: str, folder: Path) -> list[Case]:
    given = [json.loads((folder / f"{which}.json").read_text()) for which in ("aws", "ours")]
    headers = [request["headers"] for request in REQUESTS]
    return [
        Case(script, sent["Content-Type"], sent.get("Accept", ""), *both)
        for sent, both in zip(headers, zip(*given, strict=True), strict=True)
    ]


@pytest.mark.parametrize("script", SCRIPTS)
def test_answers_agree_or_a_reason_is_listed(cases: dict[str, list[Case]], script: str) -> None:
    """Of each request, whatever the client sends and accepts."""
    assert [case for case in cases[script] if not (case.agrees or reason_of(case))] == []


def test_each_reason_that_is_listed_is_one(cases: dict[str, list[Case]]) -> None:
    """None is left over from a difference that is gone."""
    differing = [case for some in cases.values() for case in some if not case.agrees]

    used = {reason_of(case) for case in differing}

    assert set(DIFFERENCES) - used == set()
