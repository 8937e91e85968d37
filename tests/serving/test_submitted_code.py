"""Code that the SDK has put on S3: it is served, or the last line says why it can't be."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.errors import UserCodeError
from handler.serve.submitted_code import fetch, unpack
from tests.container.sdk.aws import moto_server
from tests.container.sdk.environments import UV, locked
from tests.packages import wheel
from tests.serving.conftest import Tree, run_to_its_end, running, save_positional

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "SAGEMAKER_REGION": "eu-west-1",
}
ADDRESS = "s3://code/sourcedir.tar.gz"
SOURCE = "import tiny\ndef predict_fn(data, model): return [tiny.NAME]\n"


def packed(**files: str) -> bytes:
    """A gzipped tar; a name's double underscore stands for its dot."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name.replace("__", "."))
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"import numpy", "not a gzip file"),
        (packed(serve__py="pass" * 999)[:-20], "EOFError"),
        (packed(**{"../serve__py": "pass"}), "outside the destination"),
        (packed(serve__py="#" * 9999), "unpacks to more than the 9999 bytes allowed"),
    ],
    ids=["no archive", "cut short", "leaves its folder", "too large"],
)
def test_what_cannot_be_unpacked(tmp_path: Path, content: bytes, reason: str) -> None:
    """No gzipped tar, half of one, one that would leave its folder, or one that is too large."""
    (tmp_path / "archive").write_bytes(content)

    with pytest.raises(UserCodeError, match=reason):
        unpack(tmp_path / "archive", tmp_path / "folder", most=9999)

    assert not (tmp_path / "serve.py").exists()


@pytest.mark.parametrize("environ", [{}, {"SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/code"}])
def test_a_folder_stays_as_it_is(tmp_path: Path, environ: dict[str, str]) -> None:
    """Nothing is fetched where nothing has an address."""
    assert fetch(environ, tmp_path, seconds=1) is environ
    assert list(tmp_path.iterdir()) == []


def test_an_address_of_another_kind(tmp_path: Path) -> None:
    """It is named, with what would be right."""
    environ = {"SAGEMAKER_SUBMIT_DIRECTORY": "https://code/sourcedir.tar.gz"}

    with pytest.raises(
        UserCodeError, match=r"https://code/.* must be a folder or an s3:// address"
    ):
        fetch(environ, tmp_path, seconds=1)


@pytest.mark.slow
def test_without_boto3(positional: Tree, tmp_path: Path) -> None:
    """The package that is missing is named, and the address that it is needed for."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "boto3.py").write_text("raise ModuleNotFoundError(__name__)")
    path = os.pathsep.join([str(hidden), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)

    code, output = run_to_its_end(positional, PYTHONPATH=path, SAGEMAKER_SUBMIT_DIRECTORY=ADDRESS)

    assert output.splitlines()[-1] == f"serve: {ADDRESS} takes boto3 to fetch: pip install boto3"
    assert code == 3


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an S3 server."""
    if not UV.exists():
        pytest.skip("make setup has not installed uv, which makes moto's environment")
    log = tmp_path_factory.mktemp("moto") / "log"
    with moto_server(locked("moto"), "127.0.0.1", log) as url:
        yield url


@pytest.fixture(scope="module")
def bucket(s3: str) -> Any:
    """An empty bucket."""
    boto3 = pytest.importorskip("boto3")
    keys = {name.lower(): value for name, value in CREDENTIALS.items() if "AWS" in name}
    resource = boto3.resource("s3", "us-east-1", endpoint_url=s3, **keys)
    bucket = resource.Bucket("code")
    bucket.create()
    return bucket


@pytest.fixture
def settings(s3: str, bucket: Any, tmp_path: Path) -> dict[str, str]:
    """What the SDK sets for `deploy(entry_point="serve.py")`, after it has put the code there."""
    requirements = f"{wheel(tmp_path)}\n"
    code = packed(serve__py=SOURCE, requirements__txt=requirements)
    bucket.put_object(Key="sourcedir.tar.gz", Body=code)
    return CREDENTIALS | {
        "S3_ENDPOINT_URL": s3,
        "SAGEMAKER_SUBMIT_DIRECTORY": ADDRESS,
        "SAGEMAKER_PROGRAM": "serve.py",
    }


@pytest.mark.slow
def test_code_on_s3_is_served(positional: Tree, settings: dict[str, str]) -> None:
    """It comes before the baked-in functions, and what it asks for is installed."""
    positional.inference("does_as_told.py")

    with running(positional, MODEL_SERVER_WORKERS="1", **settings) as server:
        answer = json.loads(server.post("1,2\n").body)

    assert answer == ["tiny"]


@pytest.mark.slow
def test_code_on_s3_serves_every_model(tree: Tree, bucket: Any, settings: dict[str, str]) -> None:
    """A model that is loaded later, and brings no code of its own, is served by it."""
    source = "def predict_fn(data, model): return ['submitted']"
    bucket.put_object(Key="sourcedir.tar.gz", Body=packed(serve__py=source))
    folder = tree.root / "one" / "model"
    save_positional(folder)

    with running(tree, multi_model=True, **settings) as server:
        load = json.dumps({"model_name": "one", "url": str(folder)}).encode()
        server.client.request("POST", "/models", load, {"Content-Type": "application/json"})
        answer = server.client.invoke(b"1,2\n", "text/csv", "text/csv", target_model="one")

    assert (answer.status, answer.body) == (200, b"submitted\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"SAGEMAKER_SUBMIT_DIRECTORY": "s3://code/absent.tar.gz"}, "NoSuchKey"),
        ({"SAGEMAKER_SUBMIT_DIRECTORY": "s3://absent/code.tar.gz"}, "NoSuchBucket"),
        ({"SAGEMAKER_SUBMIT_DIRECTORY": "s3://code"}, "Parameter validation failed"),
        ({"SAGEMAKER_SUBMIT_DIRECTORY": "s3://code/script.py"}, "must be a gzipped tar"),
        ({"SAGEMAKER_SUBMIT_DIRECTORY": "s3://code/ours.tar.gz"}, "handler.py takes the name"),
        ({"SAGEMAKER_PROGRAM": "absent.py"}, "SAGEMAKER_PROGRAM names absent.py"),
        ({"S3_ENDPOINT_URL": "http://127.0.0.1:9"}, "EndpointConnectionError"),
    ],
)
def test_code_on_s3_that_cannot_be_served(
    positional: Tree, bucket: Any, settings: dict[str, str], changed: dict[str, str], reason: str
) -> None:
    """Whatever is wrong with it, the last line says so, and names where it should be."""
    bucket.put_object(Key="script.py", Body=SOURCE.encode())
    bucket.put_object(Key="ours.tar.gz", Body=packed(handler__py=SOURCE))

    code, output = run_to_its_end(positional, **settings | changed)

    last = output.splitlines()[-1]
    assert reason in last
    assert code == 4
    assert f"fetching {changed.get('SAGEMAKER_SUBMIT_DIRECTORY', ADDRESS)}" in output
