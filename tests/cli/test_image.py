"""`byo build` and `byo push`, and `--image`, where there is no engine and no AWS."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from byo.command_errors import UsageError
from byo.containers import find_models, serving_container, training_container
from contract.paths import Paths
from tests.cli.conftest import ROOT, Run

SCRIPT = ROOT / "docker" / "build_and_push.sh"
# A byo that was installed from a wheel finds the script from inside a checkout alone.
INSIDE = ROOT / "algorithm"
ALGORITHM = INSIDE


@pytest.fixture
def no_docker(environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The test's environment, with what a shell script needs on PATH and no docker."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "cat", "dirname", "env", "grep", "sed"):
        (tools / name).symlink_to(shutil.which(name))
    environ["PATH"] = str(tools)
    environ["AWS_REGION"] = "eu-west-1"
    return environ


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (["build"], ["--no-push", "--algorithm", ALGORITHM, "byo"]),
        (["build", "mine:1.0"], ["--no-push", "--algorithm", ALGORITHM, "mine:1.0"]),
        (
            ["build", "mine", "--algorithm", "../examples/iris"],
            ["--no-push", "--algorithm", ROOT / "examples" / "iris", "mine"],
        ),
        (
            ["build", "byo", "--", "--no-cache"],
            ["--no-push", "--algorithm", ALGORITHM, "byo", "--", "--no-cache"],
        ),
        (["push", "byo"], ["--no-build", "byo"]),
        (["push", "localhost:5000/byo"], ["--no-build", "localhost:5000/byo"]),
    ],
)
def test_build_and_push_are_the_script(
    run_byo: Run,
    no_docker: dict[str, str],
    command: list[str],
    arguments: list[str],
) -> None:
    """The command shows exactly what the script of the checkout shows."""
    expected = subprocess.run(
        [SCRIPT, "--dry-run", *arguments],
        cwd=INSIDE,
        env={**no_docker, "BYO_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    done = run_byo(command[0], "--dry-run", *command[1:], cwd=INSIDE)

    assert done.returncode == 0, done.stderr
    assert done.stdout == expected.stdout
    assert "docker" in done.stdout


@pytest.mark.parametrize(
    ("command", "code", "line"),
    [
        (["build"], 3, "byo build: docker is not on PATH: install it"),
        (["build", "--algorithm", "nowhere"], 2, "byo build: nowhere is not a folder"),
        (["build", "A"], 2, "byo build: A is not the name of an image"),
        (["build", "a", "b"], 2, "byo build: 'b' is not understood"),
        (["push", "byo"], 3, "byo push: aws is not on PATH: install"),
        (["push"], 2, "byo push: the following arguments are required: IMAGE"),
        (["train", "--image", "byo"], 3, "byo train: docker is not on PATH: run `apt-get"),
        (["serve", "--image", "byo"], 3, "byo serve: docker is not on PATH: run `apt-get"),
        (["train", "--image", "byo", "--hosts", "2"], 2, "byo train: --hosts is for jobs without"),
        (["train", "--", "--memory", "2g"], 2, "byo train: '--memory' is not understood"),
        (["train", "byo"], 2, "byo train: 'byo' is not understood"),
        (["serve", "--image", "a", "b"], 2, "byo serve: 'b' is not understood"),
        (["serve", "--models", "."], 2, "byo serve: --models goes with --image and --multi-model"),
    ],
)
def test_what_is_wrong_or_missing_is_one_line(
    run_byo: Run, no_docker: dict[str, str], command: list[str], code: int, line: str
) -> None:
    """In the command's own name, whether Python or the script finds it."""
    done = run_byo(*command, cwd=INSIDE)

    assert done.returncode == code
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not on PATH")
@pytest.mark.parametrize("command", ["train", "serve"])
def test_an_engine_that_does_not_answer_is_told(
    run_byo: Run, environ: dict[str, str], tmp_path: Path, command: str
) -> None:
    """With docker's own words, and what may start it."""
    environ["DOCKER_HOST"] = f"unix://{tmp_path}/no.sock"

    done = run_byo(command, "--image", "byo")

    assert done.returncode == 3
    assert done.stderr.startswith(f"byo {command}: the Docker engine does not answer (")
    assert f"{tmp_path}/no.sock" in done.stderr
    assert done.stderr.endswith("): run `sudo systemctl start docker`\n")


@pytest.mark.parametrize("command", [["build"], ["push", "byo"]])
def test_without_a_checkout_there_is_nothing_to_build(
    run_byo: Run, environ: dict[str, str], tmp_path: Path, command: list[str]
) -> None:
    """A byo that was installed without the Dockerfile says so; inside a checkout it finds it."""
    packages = tmp_path / "packages"
    for name in ("byo", "contract", "handler", "training_entry"):
        shutil.copytree(ROOT / name, packages / name, ignore=shutil.ignore_patterns("__pycache__"))
    environ |= {"PYTHONPATH": str(packages), "AWS_REGION": "eu-west-1"}

    outside = run_byo(*command, "--dry-run", *_algorithm(command))
    inside = run_byo(*command, "--dry-run", *_algorithm(command), cwd=ROOT / "docs")

    assert outside.returncode == 2
    assert outside.stderr.startswith(f"byo {command[0]}: the Dockerfile and docker/build_and_push")
    assert inside.returncode == 0, inside.stderr


def test_settings_reach_a_container_but_places_do_not(tmp_path: Path) -> None:
    """What names a folder or a port of this machine means nothing inside; no value is shown."""
    environ = {
        "MODEL_SERVER_WORKERS": "2",
        "SAGEMAKER_PROGRAM": "mine.py",
        "SAGEMAKER_BASE_DIR": "/here",
        "SAGEMAKER_BIND_TO_PORT": "9",
        "BYO_ALGORITHM_DIR": "/here",
        "HOME": "/here",
    }

    container = serving_container("byo", tmp_path, port=9000, environ=environ, algorithm=tmp_path)

    assert container.options == (
        *("--publish", "127.0.0.1:9000:8080"),
        *("--mount", f"type=bind,source={tmp_path},target=/opt/ml/model,readonly"),
        *("--env", "BYO_LOG_FORMAT=text"),
        *("--mount", f"type=bind,source={tmp_path},target=/opt/program,readonly"),
        *("--env", "MODEL_SERVER_WORKERS"),
        *("--env", "SAGEMAKER_PROGRAM"),
    )


@pytest.mark.parametrize(
    ("content", "host"),
    [
        ('{"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}', "algo-2"),
        ("not JSON", "algo-1"),
        ("[]", "algo-1"),
    ],
)
def test_a_job_s_container_goes_by_the_name_of_its_host(
    tmp_path: Path, content: str, host: str
) -> None:
    """The job waits for that name to resolve; `train` itself says what is wrong with the file."""
    paths = Paths(tmp_path)
    paths.input_config.mkdir(parents=True)
    paths.resource_config.write_text(content)

    container = training_container("byo", paths, user=None, environ={})

    assert container.options[:2] == ("--hostname", host)
    assert "--user" not in container.options


def test_models_are_found_where_sagemaker_puts_them(tmp_path: Path) -> None:
    """A folder each, the model in it or in a folder `model` of it."""
    (tmp_path / "plain").mkdir()
    (tmp_path / "nested" / "model").mkdir(parents=True)
    (tmp_path / "notes.txt").touch()

    models = find_models(tmp_path, tmp_path / "unused")

    assert (models.folder, models.target) == (tmp_path, "/opt/ml/models")
    assert models.urls == {
        "nested": "/opt/ml/models/nested/model",
        "plain": "/opt/ml/models/plain",
    }


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    """An empty folder, or none, is told before a container starts."""
    with pytest.raises(UsageError, match="holds no models"):
        find_models(tmp_path / "nowhere", tmp_path)


def _algorithm(command: list[str]) -> list[str]:
    return ["--algorithm", str(ALGORITHM)] if command == ["build"] else []


def test_build_takes_the_folder_one_is_in(
    run_byo: Run, no_docker: dict[str, str], tmp_path: Path
) -> None:
    """In a folder of one's own it is that one that is built, never the checkout's in silence."""
    mine = ROOT / "examples" / "iris"

    inside = run_byo("build", "--dry-run", "iris", cwd=mine)
    nowhere = run_byo("build", "--dry-run", "iris", cwd=ROOT / "docs")

    assert f" {mine} " in inside.stdout
    assert nowhere.returncode == 2
    assert "no train.py in the current folder" in nowhere.stderr


def test_build_refuses_requirements_that_an_image_can_not_have(
    run_byo: Run, no_docker: dict[str, str], tmp_path: Path
) -> None:
    """Before docker is asked for anything, with the line."""
    (tmp_path / "train.py").touch()
    (tmp_path / "requirements.txt").write_text("numpy\n-r ../base.txt\n")

    refused = run_byo("build", "mine", "--algorithm", str(tmp_path))

    assert refused.returncode == 2
    assert f"{tmp_path / 'requirements.txt'}:2: ../base.txt lies outside" in refused.stderr
