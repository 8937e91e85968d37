"""`byo endpoint --image`: SageMaker's Runtime in front of the real image, asked by boto3."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest

from contract.paths import Paths
from tests.container import engine
from tests.container.models import AS_CSV, PENGUINS

SERVICE = re.compile(r"byo endpoint: .* in service on (http://127\.0\.0\.1:\d+)")


@pytest.fixture
def endpoint(image: str, trained: Paths, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """An endpoint of many models, in a container of the image."""
    (tmp_path / "models").mkdir()
    with tarfile.open(tmp_path / "models" / "penguins.tar.gz", "w:gz") as archive:
        archive.add(trained.model, ".")
    process = subprocess.Popen(
        [
            sys.executable, "-P", "-m", "byo", "endpoint", "up", "--name", "birds", "--models",
            "models", "--image", image, "--memory", "1g", "--port", "0",
        ],
        cwd=tmp_path,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )  # fmt: skip
    yield process
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=90)


def until_in_service(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        found = SERVICE.fullmatch(line.strip())
        if found:
            return found[1]
    raise AssertionError("the endpoint ended")


def ask(url: str, **parameters: Any) -> bytes:
    with closing(
        boto3.client(
            "sagemaker-runtime",
            endpoint_url=url,
            region_name="eu-central-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
    ) as runtime:
        answer = runtime.invoke_endpoint(
            EndpointName="birds",
            Body=PENGUINS,
            ContentType="text/csv",
            Accept="text/csv",
            **parameters,
        )
        body: bytes = answer["Body"].read()
    return body


def test_many_models_then_one_without_a_gap(
    endpoint: subprocess.Popen[str], trained: Paths, tmp_path: Path
) -> None:
    """A model of many is loaded in the container; then another container has that one alone."""
    url = until_in_service(endpoint)
    before = running()

    of_many = ask(url, TargetModel="penguins.tar.gz")
    subprocess.run(
        [
            sys.executable, "-P", "-m", "byo", "endpoint", "update", "--name", "birds",
            "--model", trained.model, "--port", url.rpartition(":")[2],
        ],
        cwd=tmp_path,
        check=True,
        timeout=120,
    )  # fmt: skip
    alone = ask(url)
    after = running()
    endpoint.send_signal(signal.SIGTERM)

    assert endpoint.wait(60) == 0
    assert (of_many, alone) == (AS_CSV, AS_CSV)
    assert len(before) == len(after) == 1
    assert before != after
    assert running() == []


def running() -> list[str]:
    """The containers of endpoints that there are."""
    return engine.docker("ps", "--all", "--quiet", "--filter", "name=byo-serve-").split()
