import json
import shutil
import signal
import tarfile

import joblib
import pytest
from sklearn.dummy import DummyRegressor

from byo.algorithm_folder import Algorithm
from byo.command_errors import EndpointFailed
from byo.endpoint import Client, local_endpoint
from byo.tree.run_record import RunRecord
from contract.paths import Paths
from handler.serve.pick_free_port import free_port

pytestmark = pytest.mark.slow

JSON_HEADERS = {"Content-Type": "application/json"}


def until_ready(process):
    """What a server prints until it is ready."""
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("serve: ready"):
            break
    return said


@pytest.fixture
def paths(tmp_path):
    """A tree with a model that answers 7 to everything."""
    paths = Paths(tmp_path / "ml")
    paths.model.mkdir(parents=True)
    joblib.dump(
        DummyRegressor(strategy="constant", constant=7).fit([[0]], [7]),
        paths.model / "model.joblib",
    )
    return paths


@pytest.fixture
def algorithm(tmp_path):
    """An algorithm folder whose defaults serve."""
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "train.py").touch()
    return Algorithm(folder)


def test_an_endpoint_answers_and_is_gone_afterwards(paths, algorithm, environ, survivors, tmp_path):
    """Inside the block the model answers; after it no process is left."""
    log = tmp_path / "serve.log"
    with (
        local_endpoint(paths, algorithm, environ, log=log) as endpoint,
        endpoint.client() as client,
    ):
        health = client.ping()
        answer = client.invoke(b"[[1], [2]]", "application/json")

    assert health.ok
    assert answer.body.strip().replace(b" ", b"") in (b"[7,7]", b"[7.0,7.0]")
    assert b"serve: ready" in log.read_bytes()
    assert survivors() == []


def test_many_models_come_and_go(paths, algorithm, environ, tmp_path):
    """In multi-model mode a model is invoked by the name that it was loaded under."""
    log = tmp_path / "serve.log"
    loading = f'{{"model_name": "seven", "url": "{paths.model}"}}'.encode()
    with (
        local_endpoint(paths, algorithm, environ, log=log, multi_model=True) as endpoint,
        endpoint.client() as client,
    ):
        client.request("POST", "/models", loading, JSON_HEADERS).require_ok()
        answer = client.invoke(b"[[1]]", "application/json", target_model="seven")
        absent = client.invoke(b"[[1]]", "application/json", target_model="eight")

    assert answer.ok
    assert absent.status == 404


def test_a_model_that_can_not_load_is_told(paths, algorithm, environ, survivors, tmp_path):
    """The server's last line is the cause, and the log is named."""
    (paths.model / "model.joblib").write_bytes(b"no model")
    log = tmp_path / "serve.log"

    with (
        pytest.raises(EndpointFailed, match=r"model\.joblib") as caught,
        local_endpoint(paths, algorithm, environ, log=log),
    ):
        pass

    assert str(log) in str(caught.value)
    assert survivors() == []


def test_serve_and_invoke_from_the_command_line(start_byo, run_byo, paths, survivors, tmp_path):
    """`byo serve` becomes the server, `byo invoke` asks it, SIGTERM stops it."""
    (tmp_path / "train.py").touch()
    (tmp_path / "rows.csv").write_text("1\n2\n3\n")
    port = free_port()
    process = start_byo("serve", "--base-dir", paths.base, "--port", port)
    until_ready(process)
    done = run_byo(
        "invoke", "rows.csv", "--url", f"http://127.0.0.1:{port}", "--accept", "text/csv"
    )
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)

    assert done.returncode == 0, done.stderr
    assert [float(line) for line in done.stdout.split()] == [7, 7, 7]
    assert process.returncode == 0
    assert survivors() == []


def test_no_model_is_told_before_the_start(run_byo, tmp_path):
    """Without a model there is nothing to serve, and the way to one is named."""
    (tmp_path / "train.py").touch()

    done = run_byo("serve")

    assert done.returncode == 2
    assert done.stderr.startswith(f"byo serve: {tmp_path / '.byo' / 'model'} holds no model")


@pytest.mark.parametrize("form", ["file", "folder", "archive"])
def test_a_model_is_served_as_it_lies(start_byo, run_byo, paths, survivors, tmp_path, form):
    """With --model no algorithm folder is needed, and no tree."""
    alone = tmp_path / "alone"
    shutil.copytree(paths.model, alone)
    place = alone if form == "folder" else alone / "model.joblib"
    if form == "archive":
        place = tmp_path / "model.tar.gz"
        with tarfile.open(place, "w:gz") as archive:
            archive.add(alone / "model.joblib", "model.joblib")
    (tmp_path / "rows.csv").write_text("1\n2\n")
    port = free_port()
    process = start_byo("serve", "--model", place, "--port", port)
    said = until_ready(process)
    done = run_byo(
        "invoke", "rows.csv", "--url", f"http://127.0.0.1:{port}", "--accept", "text/csv"
    )
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)

    assert done.returncode == 0, done.stderr
    assert [float(line) for line in done.stdout.split()] == [7, 7]
    assert "byo serve: there is no algorithm folder here" in said[0]
    assert survivors() == []


def test_the_environment_counts_as_in_the_image(start_byo, run_byo, environ, tmp_path):
    """SAGEMAKER_MULTI_MODEL and SAGEMAKER_BIND_TO_PORT mean what they mean in a container."""
    (tmp_path / "train.py").touch()
    port = free_port()
    environ |= {"SAGEMAKER_MULTI_MODEL": "true", "SAGEMAKER_BIND_TO_PORT": str(port)}
    process = start_byo("serve")
    until_ready(process)
    with Client(f"http://127.0.0.1:{port}") as client:
        models = client.request("GET", "/models")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)

    assert models.ok
    assert json.loads(models.body)["models"] == []


def test_another_folders_code_is_told(start_byo, paths, tmp_path):
    """A model that another folder has trained is served all the same, but not without a word."""
    (tmp_path / "inference.py").touch()
    record = RunRecord(algorithm="/somewhere/else", outcome="succeeded")
    record.save(paths.base)
    process = start_byo("serve", "--base-dir", paths.base, "--port", free_port())
    until_ready(process)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)

    assert "the model was trained by /somewhere/else" in errors


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("--port", "40000"), "the highest that multi-model-server can listen on"),
        (("--model", "nowhere"), "--model nowhere does not exist"),
        (("--model", "broken.tar.gz"), "can't be unpacked"),
        (("--model", "train.py", "--multi-model"), "--model names the one model"),
    ],
)
def test_what_can_not_be_served_is_refused_at_once(run_byo, tmp_path, arguments, cause):
    """Before anything starts, with the reason."""
    (tmp_path / "train.py").touch()
    (tmp_path / "broken.tar.gz").write_bytes(b"no archive")

    done = run_byo("serve", *arguments)

    assert done.returncode == 2
    assert cause in done.stderr
