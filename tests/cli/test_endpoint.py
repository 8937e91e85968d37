"""`byo endpoint` itself: the real `serve` behind it, asked by plain boto3."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import joblib
import pytest
from botocore.config import Config
from sklearn.dummy import DummyRegressor

from byo import prerequisites
from byo.cli.main import build_parser
from byo.command_errors import MissingPrerequisite, UsageError
from tests.cli.conftest import MARK, _marked

SERVICE = re.compile(r"byo endpoint: .* in service on (http://127\.0\.0\.1:\d+)")


def model(folder: Path, value: float) -> Path:
    """A model that answers one value to everything."""
    folder.mkdir()
    regressor = DummyRegressor(strategy="constant", constant=value).fit([[0]], [value])
    joblib.dump(regressor, folder / "model.joblib")
    return folder


def until_in_service(process: subprocess.Popen) -> str:
    """The URL that an endpoint says it is in service on."""
    for line in process.stdout:
        found = SERVICE.fullmatch(line.strip())
        if found:
            return found[1]
    raise AssertionError(process.stderr.read())


def client(url: str) -> Any:
    return boto3.client(
        "sagemaker-runtime",
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}),
    )


def ask(runtime: Any, **parameters: str) -> str:
    answer = runtime.invoke_endpoint(
        EndpointName="birds", Body=b"1\n", ContentType="text/csv", Accept="text/csv", **parameters
    )
    return answer["Body"].read().decode().strip()


def archive(folder: Path, file: Path) -> None:
    """A model.tar.gz of a model's folder."""
    with tarfile.open(file, "w:gz") as opened:
        opened.add(folder / "model.joblib", "model.joblib")


def supervisor(mark: str) -> int:
    """The process id of the one `serve` that a test has started."""
    found = [pid for pid, line in _marked(mark).items() if "handler.serve.command" in line]
    assert found
    return min(found)


@pytest.mark.slow
def test_a_model_is_served_updated_and_gone(
    start_byo: Callable[..., subprocess.Popen],
    run_byo: Callable[..., subprocess.CompletedProcess],
    survivors: Callable[[], list[str]],
    tmp_path: Path,
) -> None:
    """All of it with the real server: requests are asked all along, and none is lost."""
    first, second = model(tmp_path / "first", 7), model(tmp_path / "second", 8)
    process = start_byo("endpoint", "up", "--name", "birds", "--model", first, "--port", "0")
    url = until_in_service(process)
    answers: list[str] = []
    stop = threading.Event()

    def keep_asking() -> None:
        runtime = client(url)
        while not stop.is_set():
            answers.append(ask(runtime))

    threads = [threading.Thread(target=keep_asking) for _ in range(3)]
    for thread in threads:
        thread.start()
    done = run_byo(
        "endpoint", "update", "--name", "birds", "--model", second, "--port", url.rpartition(":")[2]
    )
    stop.set()
    for thread in threads:
        thread.join(60)
    last = ask(client(url))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert done.returncode == 0, done.stderr
    assert "it lost 0" in done.stdout
    assert {float(each) for each in answers} == {7.0, 8.0}
    assert float(last) == 8.0
    assert process.returncode == 0
    assert survivors() == []


CONFIGURATION = """\
EndpointName: birds
ProductionVariants:
  - ModelDataUrl: first
    Environment: {{SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT: {accept}}}
"""


@pytest.mark.slow
def test_endpoints_become_what_a_file_says(
    start_byo: Callable[..., subprocess.Popen],
    run_byo: Callable[..., subprocess.CompletedProcess],
    survivors: Callable[[], list[str]],
    tmp_path: Path,
) -> None:
    """Another environment is another container; what is as the file says goes on."""
    model(tmp_path / "first", 7)
    file = tmp_path / "endpoints.yaml"
    file.write_text(CONFIGURATION.format(accept="text/csv"), encoding="utf-8")
    process = start_byo("endpoint", "up", "--config", file, "--port", "0")
    url = until_in_service(process)
    port = url.rpartition(":")[2]

    def kind() -> str:
        answer = client(url).invoke_endpoint(
            EndpointName="birds", Body=b"1", ContentType="text/csv"
        )
        return answer["ContentType"]

    kinds = [kind()]
    same = run_byo("endpoint", "update", "--config", file, "--port", port)
    file.write_text(CONFIGURATION.format(accept="application/json"), encoding="utf-8")
    other = run_byo("endpoint", "update", "--config", file, "--port", port)
    kinds.append(kind())
    by_option = run_byo(
        "endpoint", "update", "--name", "birds", "--port", port,
        "--env", "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT=application/x-npy",
    )  # fmt: skip
    kinds.append(kind())
    file.write_text(file.read_text().replace("birds", "fish"), encoding="utf-8")
    strange = run_byo("endpoint", "update", "--config", file, "--port", port)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert "variant AllTraffic: as it was; its container goes on" in same.stdout
    assert "another container answers" in other.stdout, other.stderr
    assert "another container answers" in by_option.stdout, by_option.stderr
    assert [each.partition(";")[0] for each in kinds] == [
        "text/csv", "application/json", "application/x-npy"
    ]  # fmt: skip
    assert strange.returncode != 0
    assert "endpoint fish, variant AllTraffic does not run" in strange.stderr
    assert survivors() == []


@pytest.mark.slow
def test_many_models_outlive_their_container(
    start_byo: Callable[..., subprocess.Popen],
    survivors: Callable[[], list[str]],
    environ: dict[str, str],
    tmp_path: Path,
) -> None:
    """The real server of many models is killed: another one takes its place by itself."""
    (tmp_path / "models").mkdir()
    for name, value in (("a", 7), ("b", 8)):
        archive(model(tmp_path / name, value), tmp_path / "models" / f"{name}.tar.gz")
    process = start_byo("endpoint", "up", "--name", "birds", "--models", "models", "--port", "0")
    runtime = client(until_in_service(process))

    before = [float(ask(runtime, TargetModel=f"{name}.tar.gz")) for name in ("a", "b", "a")]
    os.kill(supervisor(environ[MARK]), signal.SIGKILL)
    said = until_said(process, "in service again")
    after = float(ask(runtime, TargetModel="b.tar.gz"))
    process.terminate()
    process.communicate(timeout=60)

    assert before == [7.0, 8.0, 7.0]
    assert after == 8.0
    assert "the container ended (exit code -9)" in said
    assert process.returncode == 0
    assert survivors() == []


def until_said(process: subprocess.Popen, text: str) -> str:
    """What a command says on stderr until a text comes; the test's time limit bounds that."""
    said = []
    for line in process.stderr:
        said.append(line)
        if text in line:
            return "".join(said)
    raise AssertionError("".join(said))


@pytest.mark.slow
def test_a_stop_before_it_is_in_service_leaves_nothing(
    start_byo: Callable[..., subprocess.Popen],
    survivors: Callable[[], list[str]],
    environ: dict[str, str],
    tmp_path: Path,
) -> None:
    first = model(tmp_path / "first", 7)
    process = start_byo("endpoint", "up", "--name", "birds", "--model", first, "--port", "0")
    deadline = time.monotonic() + 60
    while not any("java" in line for line in _marked(environ[MARK]).values()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.terminate()
    said, _ = process.communicate(timeout=60)

    assert "in service" not in said
    assert process.returncode == 0
    assert survivors() == []


@pytest.mark.slow
def test_a_model_that_can_not_be_loaded_says_why(
    run_byo: Callable[..., subprocess.CompletedProcess],
    survivors: Callable[[], list[str]],
    tmp_path: Path,
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "model.joblib").write_bytes(b"no model")

    done = run_byo("endpoint", "up", "--name", "birds", "--model", broken, "--port", "0")

    assert done.returncode == 1
    assert "the container ended (exit code" in done.stderr
    assert done.stderr.count("\n") == 1
    assert survivors() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--model", "m"), "--name is missing"),
        (("--name", "birds"), "there is nothing to serve"),
        (("--name", "a_b", "--url", "http://127.0.0.1:1"), "is no name for this endpoint"),
        (("--name", "birds", "--model", "a", "--models", "b"), "leave one of the two out"),
        (("--name", "birds", "--model", "nowhere", "--memory", "2g"), "has no limit of memory"),
        (("--config", "f.yaml", "--name", "birds"), "leave --name out"),
        (("--config", "f.yaml"), "f.yaml: No such file"),
        (("--config", "f.yaml", "--env", "A=1"), "leave --env out"),
        (("--name", "birds", "--url", "u", "--env", "A=1"), "Environment and MemoryInMB are for"),
    ],
)
def test_what_can_not_be_used_is_refused(arguments: tuple[str, ...], said: str) -> None:
    options = build_parser(["endpoint"]).parse_args(["endpoint", "up", "--port", "0", *arguments])

    with pytest.raises(UsageError) as caught:
        options.run(options)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--name is missing"),
        (("--config", "f.yaml", "--weight", "0"), "leave --weight out"),
        (("--config", "f.yaml", "--name", "birds"), "leave --name out"),
        (("--config", "f.yaml"), "f.yaml: No such file"),
    ],
)
def test_updates_that_can_not_be_used_are_refused(arguments: tuple[str, ...], said: str) -> None:
    options = build_parser(["endpoint"]).parse_args(["endpoint", "update", *arguments])

    with pytest.raises(UsageError) as caught:
        options.run(options)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--memory", "2x"), "is not a size such as 512m"),
        (("--max-body", "0"), "is not a number of MB"),
        (("--port", "70000"), "is not a port"),
        (("--env", "A"), "is not a variable: NAME=VALUE"),
    ],
)
def test_options_that_are_none(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        build_parser(["endpoint"]).parse_args(["endpoint", "up", *arguments])

    assert said in capsys.readouterr().err


def test_sizes_in_the_forms_of_docker() -> None:
    parser = build_parser(["endpoint"])
    sizes = [
        parser.parse_args(["endpoint", "up", "--memory", text]).memory
        for text in ("512", "512m", "2g", "1K")
    ]

    assert sizes == [512, 512 * 1024**2, 2 * 1024**3, 1024]


def test_a_model_that_is_not_there_ends_the_command(
    run_byo: Callable[..., subprocess.CompletedProcess],
) -> None:
    done = run_byo("endpoint", "up", "--port", "0", "--name", "birds", "--model", "nowhere")

    assert done.returncode == 2
    assert done.stderr == "byo endpoint: --model nowhere does not exist\n"


def test_an_update_without_a_runtime_says_so(
    run_byo: Callable[..., subprocess.CompletedProcess],
) -> None:
    done = run_byo("endpoint", "update", "--name", "birds", "--port", "1")

    assert done.returncode == 1
    assert "nothing listens at http://127.0.0.1:1" in done.stderr


@pytest.mark.parametrize("arguments", [("--name", "birds"), ("--config", "endpoints.yaml")])
def test_an_update_of_what_is_no_runtime_says_so(
    run_byo: Callable[..., subprocess.CompletedProcess],
    arguments: tuple[str, ...],
    tmp_path: Path,
) -> None:
    """Whatever listens at the port, and does not answer in JSON."""
    (tmp_path / "endpoints.yaml").write_text(CONFIGURATION.format(accept="text/csv"))
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        port = str(stranger.server_port)
        done = run_byo("endpoint", "update", *arguments, "--port", port)
        stranger.shutdown()

    assert done.returncode == 1
    assert f"what listens at http://127.0.0.1:{port} is no `byo endpoint up`" in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_the_extra_it_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "find_spec", lambda module: None)
    options = build_parser(["endpoint"]).parse_args(["endpoint", "up", "--name", "a", "--url", "b"])

    with pytest.raises(MissingPrerequisite, match=r"pip install 'byo\[local\]'"):
        options.run(options)
