"""The clients of both versions of the SDK, invoking `byo endpoint` and the real `serve`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.dummy import DummyRegressor

from byo.child_processes import child

PROGRAMS = Path(__file__).parent / "programs"
SERVICE = re.compile(rb"byo endpoint: birds in service on (http://127\.0\.0\.1:\d+)\n")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint ``birds``, whose model answers 7 to everything."""
    folder = tmp_path_factory.mktemp("endpoint")
    model = folder / "model"
    model.mkdir()
    regressor = DummyRegressor(strategy="constant", constant=7).fit([[0]], [7])
    joblib.dump(regressor, model / "model.joblib")
    command = (
        "env", "-C", folder, sys.executable, "-P", "-m", "byo", "endpoint", "up",
        "--name", "birds", "--model", model, "--port", "0",
    )  # fmt: skip
    with child(command, os.environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        found = next(filter(None, map(SERVICE.fullmatch, process.stdout)))
        yield found[1].decode()
        process.stdout.close()


def said_by(python: Path, program: str, url: str) -> Any:
    """What a program prints last."""
    done = subprocess.run(
        [python, "-I", PROGRAMS / program, url],
        env={
            **os.environ,
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": url,
            "AWS_ENDPOINT_URL_SAGEMAKER": url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_predictor_of_version_2(sdk2: Path, url: str) -> None:
    assert said_by(sdk2, "predictor_of_v2.py", url) == {
        "predicted": [["7"], ["7"]],
        "streamed": "7\n",
        "refused": "ModelError",
        "mistaken": "ValidationError",
    }


def test_the_endpoint_of_version_3(sdk3: Path, url: str) -> None:
    assert said_by(sdk3, "endpoint_of_v3.py", url) == {
        "status": "InService",
        "predicted": "7\n7\n",
        "variant": "AllTraffic",
        "refused": "ModelError",
    }
