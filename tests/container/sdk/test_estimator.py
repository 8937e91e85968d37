"""Version 2 of the SageMaker Python SDK drives the image in local mode, as its users do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from handler.serve.pick_free_port import free_port
from tests.container.sdk.workplace import PENGUINS, Run, Workplace

pytestmark = pytest.mark.timeout(600)  # the environment of the SDK is made first

MEASUREMENTS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
ROWS = pd.read_csv(PENGUINS)[MEASUREMENTS].dropna()


@pytest.fixture(scope="module")
def batch(place: Workplace) -> None:
    """Two files to transform, one with a header line."""
    (place.folder / "batch").mkdir()
    ROWS.to_csv(place.folder / "batch" / "header.csv", index=False)
    ROWS.head(3).to_csv(place.folder / "batch" / "plain.csv", index=False, header=False)


@pytest.fixture(scope="module")
def local(batch: None, place: Workplace, sdk2: Path) -> Run:
    """One model, trained, deployed twice and used for a transform, all without a bucket."""
    return place.program(sdk2, "local_mode.py", PORT=str(free_port()))


@pytest.fixture(scope="module")
def result(local: Run) -> dict[str, Any]:
    return local.result


def test_fit_trains_by_the_submitted_script(local, result):
    """The hyperparameters arrive as they were given, and model and output come back."""
    assert "20 trees, bootstrap False, note: it's a test" in local.printed
    assert result["model"] == ["SHA256SUMS", "model.joblib", "signature.json"]
    assert {"success", "data/report.json"} <= set(result["output"])


@pytest.mark.parametrize(
    ("serializers", "answer"),
    [
        ("csv", [["Adelie"], ["Gentoo"]]),
        ("json", {"predictions": ["Adelie", "Gentoo"]}),
        ("npy", ["Adelie", "Gentoo"]),
    ],
)
def test_predict_by_each_pair_of_serializers(result, serializers, answer):
    """What the SDK's own serializers send is read, and its deserializers read the answer."""
    assert result["answers"][serializers] == answer


def test_a_refused_request_says_why(result):
    """Local mode hands the error's body on as the answer: it names the row and the column."""
    refused = result["answers"]["refused"]

    assert refused["status"] == 422
    assert 'row 1, column "flipper_length_mm" must be a number' in refused["detail"]


def test_deploy_with_functions_of_ones_own(result):
    """A model made for AWS's scikit-learn image answers as its inference.py says."""
    adelie, gentoo = result["probabilities"]

    assert adelie[0] > 0.5
    assert gentoo[2] > 0.5
    assert sum(adelie) == pytest.approx(1)


def test_batch_transform_writes_one_line_for_each_row(result):
    """Each file becomes one of its own, with or without a header line."""
    transformed = result["transformed"]

    assert sorted(transformed) == ["header.csv.out", "plain.csv.out"]
    assert len(transformed["header.csv.out"]) == len(ROWS)
    assert transformed["plain.csv.out"] == ["Adelie"] * 3


def test_a_failing_script_tells_its_reason(place, sdk2):
    """The SDK's error has the exit code alone; what it printed last of the job is the cause."""
    run = place.program(sdk2, "mistaken.py")

    reason = "KeyError: 'wingspan_mm' (train.py:9)"
    assert "Process exited with code: 1" in run.result["error"]
    assert run.result["failure"].startswith(reason)
    of_the_job = [line for line in run.printed.splitlines() if "algo-1-" in line and "  | " in line]
    assert of_the_job[-1].endswith(f"Ending with exit code 1: {reason}")


def test_two_instances_through_s3(batch, place, sdk2, s3):
    """Both take part, each with code and data from S3; the model and predictions go back there."""
    run = place.program(sdk2, "two_instances.py", PORT=str(free_port()), AWS_ENDPOINT_URL=s3)

    result = run.result
    assert "instances that took part: 2" in run.printed
    assert result["model"].startswith("s3://penguins/")
    assert result["probabilities"][0][0] > 0.5
    assert len(result["transformed"]) == len(ROWS)
