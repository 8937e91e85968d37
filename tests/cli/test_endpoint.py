"""`byo endpoint` itself: the real `serve` behind it, asked by plain boto3."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import joblib
import pytest
from botocore.config import Config
from sklearn.dummy import DummyRegressor

from byo.cli.main import build_parser
from byo.command_errors import UsageError

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


def ask(runtime: Any) -> str:
    answer = runtime.invoke_endpoint(
        EndpointName="birds", Body=b"1\n", ContentType="text/csv", Accept="text/csv"
    )
    return answer["Body"].read().decode().strip()


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
        (("--memory", "2x"), "is not a size such as 512m"),
        (("--max-body", "0"), "is not a number of MB"),
        (("--port", "70000"), "is not a port"),
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
