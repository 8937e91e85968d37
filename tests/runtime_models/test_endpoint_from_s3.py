"""`byo endpoint up --models s3://…` as users have it: the command, the real server, plain boto3."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from byo.child_processes import child
from byo.endpoint import Client
from tests.container.sdk.aws import moto_server
from tests.container.sdk.environments import UV, locked
from tests.runtime_models.test_real_server import store_of_numbers

pytestmark = pytest.mark.slow

KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
COMMAND = (sys.executable, "-P", "-m", "byo", "endpoint", "up", "--name", "tenants")
SERVICE = re.compile(rb"in service on (http://127\.0\.0\.1:\d+)")


@pytest.fixture
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an S3 with models below ``s3://models/tenants/acme/``."""
    if not UV.exists():
        pytest.skip("make setup has not installed uv, which makes moto's environment")
    place = tmp_path_factory.mktemp("moto")
    with moto_server(locked("moto"), "127.0.0.1", place / "log") as url:
        client = boto3.client("s3", "us-east-1", endpoint_url=url, **KEYS)
        client.create_bucket(Bucket="models")
        store = store_of_numbers(place / "store", 6)
        for info in store.list(""):
            body = store.read(info.key)
            client.put_object(Bucket="models", Key=f"tenants/acme/{info.key}", Body=body)
        client.close()
        yield url


def ask(runtime: Any, target: str) -> str:
    answer = runtime.invoke_endpoint(
        EndpointName="tenants", TargetModel=target, Body=b"1,2\n", ContentType="text/csv"
    )
    return str(answer["Body"].read().decode())


def test_models_of_s3(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each model answers for itself; what is not there is told in AWS's words."""
    monkeypatch.chdir(tmp_path)
    names = {name.upper(): value for name, value in KEYS.items()}
    environ = {**os.environ, **names, "AWS_ENDPOINT_URL_S3": s3, "AWS_REGION": "us-east-1"}
    command = (*COMMAND, "--models", "s3://models/tenants", "--memory", "1g", "--port", "0")
    with child(command, environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        with process.stdout:
            found = next(filter(None, map(SERVICE.search, process.stdout)))
            url = found[1].decode()
            runtime = boto3.client(
                "sagemaker-runtime",
                "us-east-1",
                endpoint_url=url,
                config=Config(retries={"total_max_attempts": 1}),
                **KEYS,
            )
            with ThreadPoolExecutor(4) as threads:
                asked = [f"acme/{number % 6}.tar.gz" for number in range(24)]
                answers = list(threads.map(lambda target: ask(runtime, target), asked))
            assert answers == [f"[{number % 6}.0]" for number in range(24)]
            with pytest.raises(ClientError) as failed:
                ask(runtime, "acme/none.tar.gz")
            error = failed.value.response["Error"]
            assert error["Code"] == "ValidationError"
            where = "(bucket: models, key: tenants/acme/none.tar.gz)"
            assert error["Message"].startswith(f"Failed to download model data {where}")
            with Client(url) as client:
                text = client.request("GET", "/metrics").body.decode()
            assert 'LoadedModelCount{EndpointName="tenants",VariantName="AllTraffic"} 6.0' in text
            runtime.close()
