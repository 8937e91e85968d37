"""The folders that a data scientist edits: each trains as it is, and serves its sample payload."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import joblib
import palmerpenguins
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_iris

from contract import load_signature
from contract.user_module import check_names
from tests.training.jobs import DEADLINE, ROOT, environment

# Folder, whether its rows have a header, and the metrics in its signature.
FOLDERS = {
    "algorithm": (True, {"accuracy", "log_loss"}),
    "examples/iris": (False, set()),
    "examples/diabetes": (True, {"mean_absolute_error", "half_width"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_trains_as_a_job_and_by_hand(job, tmp_path, folder):
    """The sample job ends well in an untouched folder, and plain python gives the same model."""
    _, metrics = FOLDERS[folder]
    shutil.copytree(ROOT / folder / "sample" / "input", job.base / "input")
    job.environ |= {"BYO_ALGORITHM_DIR": str(ROOT / folder), "PYTHONDONTWRITEBYTECODE": "1"}
    before = sorted((ROOT / folder).rglob("*"))

    code = job.run()
    train(folder, tmp_path)

    assert code == 0, job.log
    assert job.succeeded
    assert sorted((ROOT / folder).rglob("*")) == before
    assert list((job.base / "code").iterdir()) == []
    assert predictions(folder, job.base / "model") == predictions(folder, tmp_path)
    signature = load_signature(job.base / "model")
    assert set(signature.metrics if signature else ()) == metrics
    # A metric definition such as accuracy=(.*?); must find its number in the log.
    printed = dict(re.findall(r"^(\w+)=(.*?);$", job.log, re.MULTILINE))
    for name, value in signature.metrics.items() if signature else ():
        assert float(printed[name]) == pytest.approx(value, abs=0.01)


def test_the_penguins_are_the_packages_own():
    """The committed rows are those of the palmerpenguins package, unchanged."""
    theirs = Path(palmerpenguins.__file__).parent / "data" / "penguins.csv"

    assert sample("algorithm", "penguins.csv").read_bytes() == theirs.read_bytes()


def test_the_irises_are_scikit_learns_own():
    """Label first, no header: the same 150 flowers in the same order."""
    ours = list(csv.reader(sample("examples/iris", "iris.csv").read_text().splitlines()))
    iris = load_iris()

    assert [row[0] for row in ours] == list(iris.target_names[iris.target])
    assert [[float(cell) for cell in row[1:]] for row in ours] == iris.data.tolist()


def test_the_diabetes_rows_are_scikit_learns_own():
    """Ten named columns and the target, not scaled."""
    ours = pd.read_csv(sample("examples/diabetes", "diabetes.csv"))

    pd.testing.assert_frame_equal(ours, load_diabetes(scaled=False, as_frame=True).frame)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_is_complete(folder):
    """Each holds the same files, none named like a package of ours, and asks pip for nothing."""
    wanted = ["README.md", "inference.py", "requirements.txt", "sample", "train.py"]

    present = sorted(entry.name for entry in (ROOT / folder).iterdir() if entry.name[0] not in "._")

    assert present == wanted
    check_names([ROOT / folder])
    lines = (ROOT / folder / "requirements.txt").read_text().splitlines()
    assert all(line.startswith("#") for line in lines)


def test_the_default_inference_module_defines_nothing():
    """It serves any model, so no function in it is active."""
    names: dict[str, object] = {}

    exec((ROOT / "algorithm" / "inference.py").read_text(), names)

    assert sorted(names) == ["__builtins__", "__doc__"]


def test_iris_answers_one_label_a_line():
    """Whatever the client accepts, the answer is plain CSV."""
    functions = inference("examples/iris")

    answer = functions["output_fn"](["setosa", "virginica"], "application/json")

    assert answer == ("setosa\nvirginica\n", "text/csv")


@pytest.mark.slow
def test_diabetes_answers_with_an_interval(tmp_path):
    """The four functions in a row, from the sample payload to JSON and to CSV."""
    train("examples/diabetes", tmp_path)
    functions = inference("examples/diabetes")
    payload = (ROOT / "examples/diabetes/sample/payload.csv").read_text()

    model = functions["model_fn"](str(tmp_path), None)
    data = functions["input_fn"](payload, "text/csv", None)
    prediction = functions["predict_fn"](data[reversed(data.columns)], model, None)
    body, content_type = functions["output_fn"](prediction, "*/*", None)
    as_csv, _ = functions["output_fn"](prediction, "text/csv", None)

    rows = json.loads(body)
    assert content_type == "application/json"
    assert len(rows) == len(data)
    assert all(row["low"] < row["prediction"] < row["high"] for row in rows)
    assert pd.read_csv(io.StringIO(as_csv)).to_dict("records") == rows


@pytest.mark.parametrize(
    ("content_type", "body", "status", "detail"),
    [
        ("text/plain", b"1", 415, "text/plain is not read here"),
        ("text/csv", "age,sex\n1,2\n", 422, "columns are missing: bmi, bp, s1"),
    ],
)
def test_diabetes_refuses_what_it_cannot_use(content_type, body, status, detail):
    """The toolkit's own error class carries the status and a reason to the client."""
    errors = import_module("sagemaker_inference.errors")
    functions = inference("examples/diabetes")
    pipeline = FittedOn("age", "sex", "bmi", "bp", "s1")

    with pytest.raises(errors.GenericInferenceToolkitError, match=detail) as caught:
        functions["predict_fn"](
            functions["input_fn"](body, content_type, None), (pipeline, 1), None
        )

    assert caught.value.status_code == status


class FittedOn:
    """What a fitted model tells of its columns."""

    def __init__(self, *names: str) -> None:
        self.feature_names_in_ = names


def sample(folder: str, file: str) -> Path:
    return ROOT / folder / "sample" / "input" / "data" / "training" / file


def predictions(folder: str, model_dir: Path) -> list[object]:
    """What the saved model predicts for the sample payload."""
    has_header, _ = FOLDERS[folder]
    file = ROOT / folder / "sample" / "payload.csv"
    payload = pd.read_csv(file) if has_header else pd.read_csv(file, header=None).to_numpy()
    return list(joblib.load(model_dir / "model.joblib").predict(payload))


def inference(folder: str) -> dict[str, object]:
    names: dict[str, object] = {}
    exec((ROOT / folder / "inference.py").read_text(), names)
    return names


def train(folder: str, model_dir: Path) -> None:
    data = sample(folder, "").parent / "training"
    subprocess.run(
        [sys.executable, "-W", "error", "train.py", "--training", data, "--model_dir", model_dir],
        cwd=ROOT / folder,
        env=environment() | {"PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        capture_output=True,
        timeout=DEADLINE,
    )
