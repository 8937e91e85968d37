"""Version 3 of the SageMaker Python SDK trains on the image, by a driver script of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from contract import load_signature
from tests.container import engine
from tests.container.sdk.workplace import PENGUINS, Run, Workplace

pytestmark = pytest.mark.timeout(600)  # the environment of the SDK is made first


@pytest.fixture(scope="module")
def run(place: Workplace, sdk3: Path) -> Run:
    return place.program(sdk3, "model_trainer.py", "sources/typed")


def test_helpers_work_by_plain_import(run):
    """Typed hyperparameters, the checked channel, metrics and the job's data reach the script."""
    assert run.result["model"] == ["model.joblib", "signature.json"]
    assert "trained on algo-1 by the entropy criterion" in run.printed
    assert "trees=20.0;" in run.printed


def test_the_model_is_served(run, place, image):
    """What the trainer leaves is a model directory: the image serves it as it is."""
    model = place.folder / "jobs" / "typed" / "model"
    rows = pd.read_csv(PENGUINS)[list(load_signature(model).names)].dropna().head(2)

    with (
        engine.serving(image, *engine.mount(model, "/opt/ml/model", read_only=True)) as one,
        one.client() as client,
    ):
        answer = client.invoke(rows.to_csv(index=False).encode(), "text/csv")

    assert json.loads(answer.body) == ["Adelie", "Adelie"]


def test_a_failing_script_tells_its_reason(run, place, sdk3):
    """The driver keeps the cause to the log, where it is seen with its line."""
    failed = place.program(sdk3, "model_trainer.py", "sources/mistaken")

    assert "Process exited with code: 1" in failed.result["error"]
    assert "KeyError: 'wingspan_mm'" in failed.printed
    assert "/opt/ml/input/data/code/train.py" in failed.printed
