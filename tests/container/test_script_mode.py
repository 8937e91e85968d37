"""Script mode: code that the image lacks, from S3 or a folder, trains and serves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from byo.tree.job_tree import given_job
from contract import Paths
from tests.container.conftest import ALGORITHM
from tests.container.engine import gateway, listing, mount, serving, settings
from tests.container.jobs import FIXTURES, encoded, failure, pack, train
from tests.container.models import PENGUINS
from tests.container.sdk.aws import moto_server
from tests.container.sdk.environments import UV, locked

BUCKET, KEY = "sagemaker-eu-west-1-111122223333", "penguins/source/sourcedir.tar.gz"
DEADLINE = 60
JSON = {"Content-Type": "application/json"}
LOADS_A_PICKLE = """
from pathlib import Path
import joblib
def model_fn(model_dir):
    return joblib.load(Path(model_dir) / "pickle")
"""
BIRDS = b"39.1,18.7,181,3750\n50,15.2,218,5700\n"


@pytest.fixture(scope="module")
def s3(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server of S3 that containers reach; its one bucket is empty."""
    if not UV.exists():
        pytest.skip("make setup has not installed uv, which makes the environment of moto")
    log = tmp_path_factory.mktemp("moto") / "log"
    with moto_server(locked("moto"), gateway(image), log) as url:
        requests.put(f"{url}/{BUCKET}", timeout=DEADLINE).raise_for_status()
        yield url


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A user's folder: a script, and a module beside it."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name in ("classic.py", "measurements.py"):
        shutil.copy(FIXTURES / name, folder)
    return folder


def penguin_job(base: Path, submit_directory: str) -> Paths:
    """A tree with the penguins in its channel, and a job that runs classic.py."""
    shutil.copytree(ALGORITHM.sample.input_data, base / "input" / "data")
    submitted = {
        "sagemaker_program": "classic.py",
        "sagemaker_submit_directory": submit_directory,
        "sagemaker_region": "eu-west-1",
        "sagemaker_container_log_level": 20,
        "n-estimators": 7,
    }
    return given_job(base, encoded(submitted), hosts=("algo-1",))


def aws(url: str) -> list[str]:
    """The settings of a container that is to find S3 at an address."""
    return settings(
        S3_ENDPOINT_URL=url,
        AWS_ACCESS_KEY_ID="none",
        AWS_SECRET_ACCESS_KEY="none",
        AWS_DEFAULT_REGION="eu-west-1",
    )


def test_code_in_s3_is_fetched_and_run(image: str, folder: Path, source: Path, s3: str) -> None:
    """As every estimator of the SDK submits it."""
    archive = folder / "sourcedir.tar.gz"
    pack(archive, source)
    requests.put(f"{s3}/{BUCKET}/{KEY}", archive.read_bytes(), timeout=DEADLINE).raise_for_status()
    paths = penguin_job(folder / "ml", f"s3://{BUCKET}/{KEY}")

    ended = train(image, paths, *aws(s3))

    assert ended.code == 0, ended.log
    assert "trees=7;" in ended.log
    assert (paths.model / "forest.joblib").is_file()


def test_code_that_is_not_in_s3_is_named(image: str, folder: Path, s3: str) -> None:
    """A key that does not exist: the failure file says what could not be had."""
    paths = penguin_job(folder / "ml", f"s3://{BUCKET}/absent/sourcedir.tar.gz")

    ended = train(image, paths, *aws(s3))

    assert ended.code == 1
    assert "404" in failure(paths)
    assert f"s3://{BUCKET}/absent/sourcedir.tar.gz" in failure(paths)


def test_a_mounted_folder_trains_and_serves(image: str, folder: Path, source: Path) -> None:
    """The same script has the model_fn that serves what it trained, as in AWS's own image."""
    paths = penguin_job(folder / "ml", "/opt/ml/code")
    ended = train(image, paths, *mount(source, "/opt/ml/code", read_only=True))
    assert ended.code == 0, ended.log
    model = folder / "model"
    shutil.copytree(paths.model, model)
    shutil.copytree(source, model / "code")

    named = settings(
        SAGEMAKER_PROGRAM="classic.py", SAGEMAKER_SUBMIT_DIRECTORY="/opt/ml/model/code"
    )
    options = [*named, *mount(model, "/opt/ml/model", read_only=True)]
    with serving(image, *options) as one, one.client() as client:
        answer = client.invoke(BIRDS, "text/csv", "text/csv")

    assert (answer.status, answer.body) == (200, b"Adelie\nGentoo\n")


def test_an_archive_serves_every_model(image: str, trained: Paths, tmp_path: Path) -> None:
    """As AWS's own scikit-learn container is tried: one archive of code, models as bare pickles."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "script.py").write_text(LOADS_A_PICKLE)
    pack(tmp_path / "user_code.tar.gz", source)
    for name in ("pickled-model-1", "pickled-model-2"):
        (tmp_path / "models" / name).mkdir(parents=True)
        shutil.copy(trained.model / "model.joblib", tmp_path / "models" / name / "pickle")
    options = [
        *mount(tmp_path / "models", "/opt/ml/model"),
        *mount(tmp_path / "user_code.tar.gz", "/user_module/user_code.tar.gz", read_only=True),
        *settings(
            SAGEMAKER_MULTI_MODEL="true",
            SAGEMAKER_BIND_TO_PORT="8080",
            SAGEMAKER_SAFE_PORT_RANGE="9000-9999",
            SAGEMAKER_PROGRAM="script.py",
            SAGEMAKER_SUBMIT_DIRECTORY="/user_module/user_code.tar.gz",
        ),
    ]
    with serving(image, *options, ask=listing) as one, one.client() as client:
        for name in ("pickled-model-1", "pickled-model-2"):
            document = json.dumps({"model_name": name, "url": f"/opt/ml/model/{name}"}).encode()
            loaded = client.request("POST", "/models", document, JSON)
            assert (loaded.status, json.loads(loaded.body)) == (200, {"status": "Workers scaled"})
            twice = client.request("POST", "/models", document, JSON)
            assert twice.status == 409
            assert json.loads(twice.body)["message"] == f"Model {name} is already registered."
            assert client.invoke(PENGUINS, "text/csv", target_model=name).status == 200
            unloaded = client.request("DELETE", f"/models/{name}")
            assert json.loads(unloaded.body) == {"status": f'Model "{name}" unregistered'}
            gone = client.invoke(PENGUINS, "text/csv", target_model=name)
            assert gone.status == 404
            assert json.loads(gone.body)["message"] == f"Model not found: {name}"
