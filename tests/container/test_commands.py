"""`byo train --image` and `byo serve --image` with the real image."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from byo.command_errors import EndpointFailed
from byo.endpoint import Client
from contract.paths import Paths
from handler.serve.pick_free_port import free_port
from tests.container import engine
from tests.container.models import AS_CSV, PENGUINS

ROOT = Path(__file__).parents[2]
STARTUP_SECONDS = 60.0
POLL_SECONDS = 0.1
QUICK = """\
import argparse, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--depth")
print("visible", parser.parse_args().depth, os.environ.get("SAGEMAKER_SOME_SETTING"))
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text("new")
"""
SLEEPY = "import time\nprint('running', flush=True)\ntime.sleep(600)\n"
# Asked to stop, it says so and goes on.
STUBBORN = """\
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("asked", flush=True))
print("running", flush=True)
while True:
    time.sleep(1)
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def label() -> Iterator[list[str]]:
    """What to add to a command, so that its container is known; it is removed in the end."""
    mark = f"byo-test={uuid.uuid4().hex}"
    yield ["--", f"--label={mark}"]
    for name in containers(["--", f"--label={mark}"]):
        engine.docker("rm", "--force", name)


def containers(label: list[str]) -> list[str]:
    """The containers so marked that are there, running or not."""
    mark = label[-1].removeprefix("--")
    return engine.docker("ps", "--all", "--quiet", "--filter", mark).split()


@pytest.fixture
def byo(tmp_path: Path) -> Iterator[Start]:
    """Start `byo` in the test's folder; what still runs in the end is killed."""
    started = []
    foreign = ("SAGEMAKER_", "SM_", "BYO_", "MODEL_SERVER_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}

    def start(*arguments: object, **environ: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "byo", *map(str, arguments)],
            cwd=tmp_path,
            env={**kept, "PYTHONPATH": str(ROOT), **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def algorithm(tmp_path: Path) -> Path:
    """An algorithm whose training takes no time."""
    folder = tmp_path / "quick"
    (folder / "sample" / "input" / "data" / "training").mkdir(parents=True)
    (folder / "sample" / "input" / "data" / "training" / "rows.csv").write_text("x,y\n1,2\n")
    (folder / "train.py").write_text(QUICK)
    return folder


def ended(process: subprocess.Popen[str], seconds: float = 90) -> tuple[int, str]:
    """The exit code of a process, and what else it printed."""
    printed, _ = process.communicate(timeout=seconds)
    return process.returncode, printed


def until_printed(process: subprocess.Popen[str], line: str) -> None:
    """Read until a line comes."""
    assert process.stdout is not None
    read = []
    for text in process.stdout:
        read.append(text)
        if text.strip() == line:
            return
    pytest.fail("".join(read))


def test_a_job_runs_another_algorithm_than_the_image_s(
    byo: Start, image: str, algorithm: Path, label: list[str], tmp_path: Path
) -> None:
    """The folder's code trains on its sample, settings and hyperparameters reach it."""
    command = ["train", "--image", image, "--algorithm", algorithm, "--hyperparameter", "depth=9"]

    code, printed = ended(byo(*command, *label, SAGEMAKER_SOME_SETTING="mine-7"))

    assert code == 0, printed
    assert f"byo train: {image} runs {algorithm}\n" in printed
    assert "visible 9 mine-7\n" in printed
    assert f"serve it with `byo serve --image {image} --algorithm {algorithm}`" in printed
    tree = Paths(tmp_path / ".byo")
    assert (tree.model / "model.txt").read_text() == "new"
    assert {entry.stat().st_uid for entry in tree.base.rglob("*")} == {os.getuid()}
    assert containers(label) == []


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("raise ValueError('no such column: age')", "ValueError: no such column: age (train.py:1)"),
        ("import sys; sys.exit(3)", "train.py exited with code 3 (train.py:1)"),
    ],
)
def test_a_failing_job_is_one_line(
    byo: Start, image: str, algorithm: Path, label: list[str], script: str, cause: str
) -> None:
    """As without an image, the last line is the cause, and the exit code 1."""
    (algorithm / "train.py").write_text(script)

    code, printed = ended(byo("train", "--image", image, "--algorithm", algorithm, *label))

    assert code == 1
    assert printed.splitlines()[-1] == f"byo train: {cause}"
    assert containers(label) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_job(
    byo: Start,
    image: str,
    algorithm: Path,
    label: list[str],
    tmp_path: Path,
    number: int,
    code: int,
) -> None:
    """The job is told as SageMaker would, has its say, and its container is gone."""
    (algorithm / "train.py").write_text(SLEEPY)
    process = byo("train", "--image", image, "--algorithm", algorithm, *label)
    until_printed(process, "running")
    process.send_signal(number)

    assert ended(process)[0] == code
    assert "SIGTERM" in Paths(tmp_path / ".byo").failure.read_text()
    assert containers(label) == []


def test_a_second_interrupt_waits_for_nothing(
    byo: Start, image: str, algorithm: Path, label: list[str]
) -> None:
    """A job that won't stop is killed by another Ctrl-C, and its container is gone, too."""
    (algorithm / "train.py").write_text(STUBBORN)
    process = byo("train", "--image", image, "--algorithm", algorithm, *label)
    until_printed(process, "running")
    process.send_signal(signal.SIGINT)
    until_printed(process, "asked")
    process.send_signal(signal.SIGINT)

    assert ended(process)[0] == 130
    assert containers(label) == []


def test_an_image_that_is_not_there_is_told(byo: Start, image: str) -> None:
    """Before anything else is done, with the command that builds it."""
    code, printed = ended(byo("serve", "--image", "byo-test-nowhere"))

    assert code == 2
    assert printed.startswith("byo serve: there is no image byo-test-nowhere here: build it with")


def test_an_option_that_docker_refuses_is_told(
    byo: Start, image: str, algorithm: Path, tmp_path: Path
) -> None:
    """In docker's own words."""
    options = ["--image", image, "--algorithm", algorithm, "--", "--no-such-option"]

    code, printed = ended(byo("train", *options))

    assert code == 1
    assert printed.splitlines()[-1] == "byo train: unknown flag: --no-such-option"


def test_a_port_that_is_taken_is_told(
    byo: Start, image: str, trained: Paths, label: list[str]
) -> None:
    """In docker's own words, and nothing is left."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        place = ["--image", image, "--base-dir", trained.base, "--port", port]

        code, printed = ended(byo("serve", *place, *label))

    assert code == 1
    assert f"127.0.0.1:{port}: bind: address already in use" in printed
    assert containers(label) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_model_is_served_until_a_signal(
    byo: Start, image: str, trained: Paths, label: list[str], number: int
) -> None:
    """On the port that is named; the exit code is the server's own."""
    port = free_port()
    place = ["--image", image, "--base-dir", trained.base, "--port", port]
    process = byo("serve", *place, *label, MODEL_SERVER_WORKERS="1")
    answer = until_answered(process, port)
    process.send_signal(number)
    code, printed = ended(process)

    assert answer == AS_CSV
    assert code == 0
    assert "serve: stopping on SIGTERM" in printed
    assert containers(label) == []


def test_many_models_are_told_and_served(
    byo: Start, image: str, trained: Paths, label: list[str], tmp_path: Path
) -> None:
    """Each model's POST is shown, and loads it."""
    shutil.copytree(trained.model, tmp_path / "models" / "one")
    shutil.copytree(trained.model, tmp_path / "models" / "two" / "model")
    port = free_port()
    place = ["--multi-model", "--models", "models", "--port", port]
    process = byo("serve", "--image", image, *place, *label)
    until_printed(
        process, f"byo serve: load a model by a POST to http://127.0.0.1:{port}/models of"
    )
    shown = [json.loads(process.stdout.readline()) for _ in range(2)]
    load = json.dumps(shown[1]).encode()
    headers = {"Content-Type": "application/json"}
    with Client(f"http://127.0.0.1:{port}") as client:
        until_listening(process, port)
        client.request("POST", "/models", load, headers).require_ok()
        answer = client.invoke(PENGUINS, "text/csv", "text/csv", "two")
    process.send_signal(signal.SIGINT)

    assert shown == [
        {"model_name": "one", "url": "/opt/ml/models/one"},
        {"model_name": "two", "url": "/opt/ml/models/two/model"},
    ]
    assert answer.body == AS_CSV
    assert ended(process)[0] == 0
    assert containers(label) == []


def until_answered(process: subprocess.Popen[str], port: int) -> bytes:
    """Ask the single model until it has an answer."""
    until_listening(process, port)
    with Client(f"http://127.0.0.1:{port}") as client:
        return client.invoke(PENGUINS, "text/csv", "text/csv").require_ok().body


def until_listening(process: subprocess.Popen[str], port: int) -> None:
    """Ping until there is an answer."""
    deadline = time.monotonic() + STARTUP_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(EndpointFailed), Client(f"http://127.0.0.1:{port}") as client:
            client.ping()
            return
        time.sleep(POLL_SECONDS)
    process.kill()
    pytest.fail(process.communicate()[0])
