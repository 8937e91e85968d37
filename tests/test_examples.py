"""Every algorithm folder, end to end: trained by `train`, served by `serve`, asked by a client."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from byo.algorithm_folder import Algorithm
from byo.endpoint import Client, local_endpoint
from byo.local_training import run_training
from byo.tree.job_tree import sample_job

pytestmark = [pytest.mark.slow, pytest.mark.portable]

ROOT = Path(__file__).parent.parent


@contextmanager
def trained_and_served(folder: str, scratch: Path) -> Iterator[tuple[Client, bytes]]:
    """A client of a folder's model, and the folder's payload."""
    algorithm = Algorithm(ROOT / folder)
    paths = sample_job(scratch / "ml", algorithm)
    run_training(paths, algorithm, os.environ, log=scratch / "train.log", timeout=60)
    with (
        local_endpoint(paths, algorithm, os.environ, log=scratch / "serve.log") as endpoint,
        endpoint.client() as client,
    ):
        yield client, algorithm.payload.read_bytes()


def test_penguins(tmp_path: Path) -> None:
    """Mixed columns by name, missing values among them; records and CSV agree."""
    with trained_and_served("algorithm", tmp_path) as (client, payload):
        frame = pd.read_csv(ROOT / "algorithm/sample/payload.csv")
        from_csv = client.invoke(payload, "text/csv")
        records = frame[frame.columns[::-1]].to_json(orient="records")
        from_json = client.invoke(records.encode(), "application/json")

    assert json.loads(from_csv.body)[0] == "Adelie"
    assert json.loads(from_csv.body) == json.loads(from_json.body)


def test_iris(tmp_path: Path) -> None:
    """CSV without a header in, one label a line out, whatever the client accepts."""
    with trained_and_served("examples/iris", tmp_path) as (client, payload):
        answer = client.invoke(payload, "text/csv", accept="application/json")

    labels = answer.body.decode().splitlines()
    assert answer.content_type == "text/csv"
    assert len(labels) == len(payload.splitlines())
    assert set(labels) <= {"setosa", "versicolor", "virginica"}


def test_diabetes(tmp_path: Path) -> None:
    """A user's own four functions: an interval for each row, and the toolkit's errors."""
    with trained_and_served("examples/diabetes", tmp_path) as (client, payload):
        answer = client.invoke(payload, "text/csv")
        refused = client.invoke(b"PAR1", "application/vnd.apache.parquet")

    rows = json.loads(answer.body)
    assert len(rows) == len(payload.splitlines()) - 1
    assert all(row["low"] < row["prediction"] < row["high"] for row in rows)
    assert refused.status == 415


def test_every_folder_is_tested() -> None:
    """A new example gets a test here."""
    folders = {entry.name for entry in (ROOT / "examples").iterdir() if entry.is_dir()}

    assert folders == {"iris", "diabetes"}
