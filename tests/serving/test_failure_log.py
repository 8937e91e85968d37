"""What the log says of a failed invocation: its cause, and nothing of what was sent."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contract.settings import ServingSettings
from handler.invocation.invocation_progress import Invocation
from handler.invocation.payload_mask import PayloadMask
from handler.invocation.pipeline import Pipeline
from handler.invocation.pipeline_loading import load_pipeline
from handler.invocation.request_types import Request
from tests.serving.conftest import save_mixed, save_positional

SENT = "Canary-4711-xyz"
NUMBER = 987654321.125

Logged = Callable[[Pipeline, bytes, str], tuple[int, str, str]]


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Logged:
    """The status of an invocation, its answer, and what the log says: one record."""
    monkeypatch.setattr(logging.getLogger("handler"), "propagate", True)
    caplog.set_level(logging.INFO)

    def ask(pipeline: Pipeline, body: bytes, content_type: str) -> tuple[int, str, str]:
        caplog.clear()
        response = pipeline.invoke(Request(body, content_type, request_id="id-1"))
        told = [one for one in caplog.records if hasattr(one, "request_id")]
        assert [one.request_id for one in told] == ["id-1"]
        assert str(response.status) in told[0].getMessage()
        return response.status, response.body.decode(), caplog.text

    return ask


def pipeline_of(folder: Path, save: Callable[[Path], None], source: str = "") -> Pipeline:
    save(folder)
    if source:
        (folder / "code").mkdir()
        (folder / "code" / "inference.py").write_text(source)
    return load_pipeline(folder, ServingSettings(algorithm_dir=folder / "none"))


def parquet(frame: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file, compression="snappy")
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


PLAIN = [
    (f"2,{SENT}\n".encode(), "text/csv"),
    (f"2,0\n1,{SENT}\n".encode(), "text/csv"),
    (f"2,0,{SENT}\n".encode(), "text/csv"),
    (f'2,"{SENT}\n'.encode(), "text/csv"),
    (f"2,0\n1,{SENT}\n".encode("utf-16"), "text/csv; charset=utf-16"),
    (json.dumps([[2, SENT]]).encode(), "application/json"),
    (json.dumps({"instances": [[2, {"a": SENT}]]}).encode(), "application/json"),
    (json.dumps(SENT).encode(), "application/json"),
    (f'[[2, "{SENT}'.encode(), "application/json"),
    (f'{{"a": 1, "b": "{SENT}"}}\nnothing {SENT}\n'.encode(), "application/jsonlines"),
    (f"1 1:{SENT}\n".encode(), "text/libsvm"),
    (npy(np.array([["2", SENT]])), "application/x-npy"),
    (parquet(pd.DataFrame({"a": [2.0], "b": [SENT]})), "application/vnd.apache.parquet"),
    (SENT.encode(), "application/vnd.apache.parquet"),
    (f"2,{NUMBER}e999\n".encode(), "text/csv"),
]
NAMED = [
    (f"island,mass\nDream,{SENT}\n".encode(), "text/csv"),
    (json.dumps([{"island": "Dream", "mass": SENT}]).encode(), "application/json"),
    (json.dumps([{"island": SENT, "mass": [1]}]).encode(), "application/json"),
    (json.dumps([{"island": NUMBER, "mass": SENT}]).encode(), "application/json"),
    (parquet(pd.DataFrame({"island": ["a"], "mass": [SENT]})), "application/vnd.apache.parquet"),
]


@pytest.mark.parametrize(("body", "content_type"), PLAIN)
def test_a_value_is_answered_and_not_logged(
    tmp_path: Path, logged: Logged, body: bytes, content_type: str
) -> None:
    status, _, text = logged(pipeline_of(tmp_path, save_positional), body, content_type)

    assert 400 <= status < 500
    assert "Canary" not in text
    assert "9876" not in text


@pytest.mark.parametrize(("body", "content_type"), NAMED)
def test_a_columns_name_is_no_value(
    tmp_path: Path, logged: Logged, body: bytes, content_type: str
) -> None:
    status, answer, text = logged(pipeline_of(tmp_path, save_mixed), body, content_type)

    assert status == 422
    assert "Canary" not in text
    assert "9876" not in text
    assert json.loads(answer).get("column", "mass") in text


RAISES = """\
def input_fn(body, content_type):
    return body.decode()

def predict_fn(data, model):
    try:
        {first}
    except Exception as error:
        {then}
"""


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("raise ValueError(f'bad: {data}')", "raise"),
        ("raise ValueError(data)", "raise RuntimeError('in between') from error"),
        ("{}[data.split(',')[1]]", "raise"),
        ("float(data)", "raise ExceptionGroup('several', [error, ValueError(data)])"),
        ("float(data)", "error.add_note(f'it was {data!r}'); raise"),
        ("assert False, data.split(',')", "raise"),
        ("raise ValueError(data.encode())", "raise"),
    ],
)
def test_users_exceptions_tell_their_place(
    tmp_path: Path, logged: Logged, first: str, then: str
) -> None:
    source = RAISES.format(first=first, then=then)
    pipeline = pipeline_of(tmp_path, save_positional, source)

    status, _, text = logged(pipeline, f"island,{SENT},4711".encode(), "text/csv")

    assert status == 500
    assert "Canary" not in text
    assert "4711" not in text
    assert "inference.py" in text
    assert "Error" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("row 12, column 'mass' must be a number, not \"Jane Doe\"", None),
        ("X has 3 features, but a model is expecting 4 features", None),
        ("the path names model 'penguins', nothing else", None),
        ("value 'Dream' is none", "value '…' is none"),
        ("value Zoë1 is none", "value … is none"),
        ("it was 4711 and 12", "it was … and 12"),
        ("row 4711 is bad", None),
        ("it says: a rather long text, twice", "it says: … twice"),
        ("column 'mass' or `island`", None),
        ("'with \\'quotes\\''", "'…'"),
    ],
)
def test_what_was_sent_is_masked(text: str, shown: str | None) -> None:
    values = ["Dream", "Zoë1", 4711, "a rather long text, ", "with 'quotes'"]
    body = json.dumps([{"island": one, "mass": 12} for one in values]).encode()
    mask = PayloadMask(Invocation(Request(body, "application/json")))

    assert mask.hide(text) == (text if shown is None else shown)


def test_a_large_body_is_looked_through_in_time() -> None:
    """However long the message and the body are, the work is bounded."""
    body = b"1,2,3\n" * 1_000_000
    mask = PayloadMask(Invocation(Request(body, "text/csv")))

    assert len(mask.hide("word'9 " * 1_000_000)) < 5000
