"""signature.json: what it says of data and models, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.linear_model import LinearRegression, LogisticRegression

from contract import Signature, load_signature, save_signature
from contract.columns import Column
from contract.errors import SignatureError
from contract.signature import installed_versions
from contract.signature_from_estimator import signature_of

MIXED = pd.DataFrame(
    {
        "island": pd.Series(["Dream", None, "Biscoe"], dtype=object),
        "text": ["a", "b", "c"],
        "mass": [1.5, np.nan, 2.5],
        "count": [1, 2, 3],
        "flag": [True, False, True],
        "when": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"]),
        "size": pd.Categorical(["s", "m", "s"]),
        "grade": pd.Categorical([1, 2, 1]),
        "odd": [[1], [2], [3]],
    }
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("island", "string"),
        ("text", "string"),
        ("mass", "number"),
        ("count", "integer"),
        ("flag", "boolean"),
        ("when", "datetime"),
        ("size", "string"),
        ("grade", "integer"),
        ("odd", "any"),
    ],
)
def test_kinds_of_data_frame_columns(name: str, kind: str) -> None:
    """Each column of a data frame has the kind that a request's values must have."""
    signature = Signature.of_data(None, MIXED)

    columns = {column.name: column.kind for column in signature.inputs}

    assert columns[name] == kind


@pytest.mark.parametrize(
    ("data", "inputs"),
    [
        (np.zeros((2, 3)), (Column(None, "number", "float64"),) * 3),
        (np.zeros((2, 2), dtype=np.int32), (Column(None, "integer", "int32"),) * 2),
        ([[1.0, 2.0], [3.0, 4.0]], (Column(None, "number", "float64"),) * 2),
        (scipy.sparse.csr_matrix((2, 4)), (Column(None, "number", "float64"),) * 4),
    ],
)
def test_positional_data(data: Any, inputs: tuple[Column, ...]) -> None:
    """Arrays, sparse matrices and nested lists have columns without names."""
    signature = Signature.of_data(None, data)

    assert signature.inputs == inputs
    assert signature.names is None


def test_round_trip_through_the_file(tmp_path: Path) -> None:
    """What training saves is what serving loads."""
    target = pd.Series(["x", "y", "x"], name="label")
    model = LogisticRegression().fit(MIXED[["count"]], target)

    saved = save_signature(
        model, MIXED.drop(columns="odd"), target, metrics={"accuracy": 1}, model_dir=tmp_path
    )

    loaded = load_signature(tmp_path)
    assert loaded == saved
    assert loaded is not None
    assert loaded.names is not None
    assert loaded.names[:2] == ("island", "text")
    assert loaded.outputs == (Column("label", "string", str(target.dtype)),)
    assert loaded.classes == ("x", "y")
    assert loaded.metrics == {"accuracy": 1.0}
    assert loaded.example[:4] == ("Dream", "a", 1.5, 1)
    assert [each.name for each in tmp_path.iterdir()] == ["signature.json"]


def test_what_the_endpoint_is_to_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is kept with the model; an unknown word is refused, and a model without it is told of."""
    model = LogisticRegression().fit([[0.0], [1.0]], ["n", "y"])

    save_signature(
        model, [[0.0]], inference_output="predicted_label, probability", model_dir=tmp_path
    )

    loaded = load_signature(tmp_path)
    assert loaded is not None
    assert loaded.inference_output == ("predicted_label", "probability")
    with pytest.raises(SignatureError, match="inference_output must be one or several of"):
        save_signature(model, [[0.0]], inference_output=["label"], model_dir=tmp_path)
    assert caplog.text == ""
    save_signature(
        LinearRegression(), [[0.0]], inference_output=["probability"], model_dir=tmp_path
    )
    assert "a LinearRegression has no predict_proba" in caplog.text


def test_model_dir_defaults_to_the_toolkits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside a training job, SM_MODEL_DIR says where the model goes."""
    monkeypatch.setenv("SM_MODEL_DIR", str(tmp_path))

    save_signature(None, [[1.0]])

    assert (tmp_path / "signature.json").is_file()


def test_of_model_by_names_and_by_width() -> None:
    """Without a file, what scikit-learn recorded while fitting stands in."""
    named = LinearRegression().fit(MIXED[["count"]], [1, 2, 3])
    positional = LogisticRegression().fit(np.eye(3), [0, 1, 1])

    by_name = signature_of(named)
    by_width = signature_of(positional)

    assert by_name is not None
    assert by_name.names == ("count",)
    assert by_width is not None
    assert (by_width.names, len(by_width.inputs), by_width.classes) == (None, 3, (0, 1))
    assert signature_of(object()) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": 2, "inputs": []}',
        '{"format": 1}',
        '{"format": 1, "inputs": [{"name": "a", "kind": "colour"}]}',
        '{"format": 1, "inputs": 3}',
        '{"format": 1, "inputs": [], "inference_output": ["label"]}',
    ],
)
def test_refuses_a_file_it_cannot_read(tmp_path: Path, text: str) -> None:
    """A broken file is refused by name, and never taken for a missing one."""
    (tmp_path / "signature.json").write_text(text, encoding="utf-8")

    with pytest.raises(SignatureError, match=r"signature\.json can't be used"):
        load_signature(tmp_path)


def test_no_file_is_no_signature(tmp_path: Path) -> None:
    """A model without a signature still serves."""
    assert load_signature(tmp_path) is None


@pytest.mark.parametrize("metrics", [{"a": "high"}, {"a": float("nan")}, {"a": None}])
def test_metrics_are_finite_numbers(metrics: Any) -> None:
    """A metric that is no number is refused by name while training can still say so."""
    with pytest.raises(SignatureError, match="a"):
        Signature.of_data(None, [[1.0]], metrics=metrics)


def test_versions_warn_by_minor_and_refuse_by_major() -> None:
    """Another minor version of scikit-learn is worth a warning, another major one a refusal."""
    major, minor, *_ = installed_versions()["scikit-learn"].split(".")
    signature = {"format": 1, "inputs": []}

    def trained_under(version: str) -> Signature:
        return Signature.from_json(json.dumps({**signature, "versions": {"scikit-learn": version}}))

    assert trained_under(f"{major}.{minor}.99").version_warnings() == []
    assert "0.1" in trained_under(f"{major}.{int(minor) + 1}.0.1").version_warnings()[0]
    with pytest.raises(SignatureError, match=r"scikit-learn==99\.0"):
        trained_under("99.0").version_warnings()
