"""The classic scripts and compose.yaml with the real image, in a copy of docker/."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.paths import Paths
from handler.serve.pick_free_port import free_port
from tests.container import engine
from tests.container.models import AS_CSV

ROOT = Path(__file__).parents[2]
STARTUP_SECONDS = 60.0
SLEEPY = "import time\nprint('running', flush=True)\ntime.sleep(600)\n"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def docker_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a checkout has in docker/, without what jobs may have left there."""
    folder = tmp_path_factory.mktemp("classic") / "docker"
    ignored = shutil.ignore_patterns(
        "code", "*.joblib", "signature.json", "SHA256SUMS", "data.*", "success"
    )
    shutil.copytree(ROOT / "docker", folder, ignore=ignored)
    return folder


@pytest.fixture(scope="module")
def run(docker_folder: Path) -> Run:
    """Run a command in that folder to its end."""

    def start(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=docker_folder,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return start


@pytest.fixture(scope="module")
def training(run: Run, image: str) -> subprocess.CompletedProcess[str]:
    """A run of ./train_local.sh, whose model the other tests serve."""
    return run("./train_local.sh", image)


@pytest.fixture
def label() -> Iterator[str]:
    """An option that marks a container; one that is left in the end is removed."""
    mark = f"byo-test={uuid.uuid4().hex}"
    yield f"--label={mark}"
    for name in containers(f"--label={mark}"):
        engine.docker("rm", "--force", name)


def containers(label: str) -> list[str]:
    """The containers so marked that are there, running or not."""
    mark = label.removeprefix("--")
    return engine.docker("ps", "--all", "--quiet", "--filter", mark).split()


def until_answered(run: Run, server: subprocess.Popen[str] | None, port: str) -> str:
    """Send the payload until there is an answer; the answer."""
    deadline = time.monotonic() + STARTUP_SECONDS
    while (
        done := run("./predict.sh", "payload.csv", "text/csv", "text/csv", PORT=port)
    ).returncode:
        assert server is None or server.poll() is None, server.communicate()
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.2)
    return done.stdout


def test_train_local_leaves_the_model_to_the_caller(
    training: subprocess.CompletedProcess[str], docker_folder: Path
) -> None:
    """Everything that the job wrote into test_dir belongs to who ran the script."""
    tree = Paths(docker_folder / "test_dir")

    assert training.returncode == 0, training.stdout + training.stderr
    assert tree.success.exists()
    assert (tree.model / "model.joblib").exists()
    assert {entry.stat().st_uid for entry in tree.base.rglob("*")} == {os.getuid()}


def test_another_user_needs_no_root(
    training: subprocess.CompletedProcess[str],
    run: Run,
    image: str,
    docker_folder: Path,
    tmp_path: Path,
) -> None:
    """A user whom the image does not know trains, by the option that the script gives its own."""
    if os.getuid() != 0:
        pytest.skip("only root can give a tree to another user")
    tree = Paths(shutil.copytree(docker_folder / "test_dir", tmp_path / "tree"))
    for entry in (tree.base, *tree.base.rglob("*")):
        os.chown(entry, 12345, 12345)

    done = run("./train_local.sh", image, "--", "--user=12345:12345", TEST_DIR=str(tree.base))

    assert done.returncode == 0, done.stdout + done.stderr
    assert {entry.stat().st_uid for entry in tree.base.rglob("*")} == {12345}


def test_training_again_starts_from_an_empty_model(
    training: subprocess.CompletedProcess[str], run: Run, image: str, docker_folder: Path
) -> None:
    """What an earlier job left is removed; a job that fails ends the script with its exit code."""
    tree = Paths(docker_folder / "test_dir")
    copy = Paths(shutil.copytree(tree.base, docker_folder / "again"))
    copy.hyperparameters.write_text('{"unknown": "1"}')

    done = run("./train_local.sh", image, TEST_DIR="again")

    assert done.returncode == 2  # argparse's own, of train.py
    assert "unrecognized arguments: --unknown" in copy.failure.read_text()
    assert not (copy.model / "model.joblib").exists()
    assert not copy.success.exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_job_and_its_container(
    docker_folder: Path, image: str, label: str, tmp_path: Path, number: int, code: int
) -> None:
    """The script becomes docker, which passes the signal on; the job ends as on SageMaker."""
    (tmp_path / "train.py").write_text(SLEEPY)
    tree = shutil.copytree(docker_folder / "test_dir", tmp_path / "tree")
    program = engine.mount(tmp_path, "/opt/program", read_only=True)
    command = ["./train_local.sh", image, "--", label, *program]
    with subprocess.Popen(
        command,
        cwd=docker_folder,
        env={**os.environ, "TEST_DIR": str(tree)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "running\n":
                process.send_signal(number)
        ended = process.wait(60)

    assert ended == code
    assert signal.Signals(number).name in Paths(tree).failure.read_text()
    assert containers(label) == []


def test_serve_local_answers_predict(
    training: subprocess.CompletedProcess[str],
    run: Run,
    image: str,
    docker_folder: Path,
    label: str,
) -> None:
    """Both payloads are answered; an error is shown with its status; SIGTERM ends it with 0."""
    port = str(free_port())
    with subprocess.Popen(
        ["./serve_local.sh", image, "--", label, "--env=MODEL_SERVER_WORKERS=1"],
        cwd=docker_folder,
        env={**os.environ, "PORT": port},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        csv = until_answered(run, server, port)
        json = run("./predict.sh", "payload.json", "application/json", "text/csv", PORT=port)
        refused = run("./predict.sh", "payload.csv", "image/png", PORT=port)
        server.terminate()
        ended = server.wait(60)

    assert csv == AS_CSV.decode()
    assert (json.returncode, json.stdout) == (0, "Adelie\nAdelie\n")
    assert refused.returncode == 1
    assert '"status": 415' in refused.stdout
    assert refused.stderr == "predict.sh: HTTP status 415\n"
    assert ended == 0
    assert containers(label) == []


def test_predict_without_a_server_is_told(run: Run) -> None:
    """The address is named, and what would answer there."""
    done = run("./predict.sh", "payload.csv", PORT=str(free_port()))

    assert done.returncode == 1
    assert done.stderr.endswith("/invocations gave no answer: is serve_local.sh running?\n")


@pytest.mark.parametrize("script", ["./train_local.sh", "./serve_local.sh"])
def test_an_image_that_is_not_there_is_told(run: Run, image: str, script: str) -> None:
    """The command that builds it is named; nothing is pulled."""
    done = run(script, "byo-test-nowhere")

    assert done.returncode == 2
    assert "there is no image byo-test-nowhere here: build it with " in done.stderr


def test_serving_without_a_model_is_told(run: Run, image: str, tmp_path: Path) -> None:
    """The way to a model is named."""
    (tmp_path / "model").mkdir()

    done = run("./serve_local.sh", image, TEST_DIR=str(tmp_path))

    assert done.returncode == 2
    assert done.stderr.endswith(f"holds no model: train one with train_local.sh {image}\n")


def test_compose_trains_and_serves(run: Run, image: str, docker_folder: Path) -> None:
    """`run train` makes the model as the caller, `up serve` serves it."""
    if run("docker", "compose", "version").returncode:
        pytest.skip("Docker Compose is not installed")
    tree = Paths(shutil.copytree(docker_folder / "test_dir", docker_folder / "composed"))
    port = str(free_port())
    settings = {
        "COMPOSE_PROJECT_NAME": f"byo-test-{uuid.uuid4().hex[:8]}",
        "IMAGE": image,
        "TEST_DIR": "./composed",
        "PORT": port,
        "BYO_USER": f"{os.getuid()}:{os.getgid()}",
    }
    try:
        trained = run("docker", "compose", "run", "--rm", "train", **settings)
        up = run("docker", "compose", "up", "--detach", **settings)
        answer = until_answered(run, None, port)
    finally:
        run("docker", "compose", "down", **settings)

    assert trained.returncode == 0, trained.stderr
    assert (tree.model / "model.joblib").stat().st_uid == os.getuid()
    assert up.returncode == 0, up.stderr
    assert answer == AS_CSV.decode()
