"""The scripts in docker/ without an engine and without AWS: what they run, and what they miss."""

from __future__ import annotations

import filecmp
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from byo.containers import serving_container, training_container
from contract.paths import Paths
from tests.cli.conftest import ROOT

DOCKER = ROOT / "docker"
SCRIPTS = ["build_and_push.sh", "train_local.sh", "serve_local.sh", "predict.sh"]
# What any machine has; neither docker nor aws is among them.
TOOLS = [
    "bash",
    "cat",
    "dirname",
    "env",
    "find",
    "grep",
    "id",
    "ls",
    "mkdir",
    "mktemp",
    "rm",
    "sed",
]
BUILD = (
    "docker buildx build --provenance=false --output type=docker,oci-mediatypes=false "
    "--platform linux/amd64 --tag"
)

STAGED = "--build-arg ALGORITHM=docker/.algorithm"


def staged(folder: Path) -> list[str]:
    """The commands that copy a folder to where the build sees it."""
    return [
        f"mkdir {DOCKER}/.algorithm",
        f"python3 {DOCKER}/script_library/stage_algorithm.py {folder} {DOCKER}/.algorithm",
    ]


REMOVED = f"rm -r {DOCKER}/.algorithm"

Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Run a script on a machine that has the usual tools alone."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name))

    def run(name: str, *arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [DOCKER / name, *map(str, arguments)],
            cwd=tmp_path,
            env={"PATH": str(tools), "HOME": str(tmp_path), **environ},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    return run


def ecr(repository: str, region: str, *, owner: str = "") -> list[str]:
    """The commands that find or make a repository and log in to its registry."""
    options = f"--region {region} --output text{owner}"
    return [
        f"uri=$(aws ecr describe-repositories --repository-names {repository} "
        f"--query 'repositories[0].repositoryUri' {options} || "
        f"aws ecr create-repository --repository-name {repository} "
        f"--query repository.repositoryUri {options})",
        f"aws ecr get-login-password --region {region} | "
        "docker login --username AWS --password-stdin ${uri%%/*}",
    ]


CHINA = "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/byo:1.0"
DRY_RUNS = {
    "a name": (
        ["byo"],
        [
            *staged(ROOT / "algorithm"),
            f"{BUILD} byo {STAGED} {ROOT}",
            REMOVED,
            *ecr("byo", "eu-west-1"),
            "docker tag byo $uri:latest",
            "docker push $uri:latest",
            "echo $uri:latest",
        ],
    ),
    "a name with a tag and a folder": (
        ["--no-build", "team/byo:1.0"],
        [
            *ecr("team/byo", "eu-west-1"),
            "docker tag team/byo:1.0 $uri:1.0",
            "docker push $uri:1.0",
            "echo $uri:1.0",
        ],
    ),
    "a name of ECR has its own region": (
        ["--no-build", CHINA],
        [
            *ecr("byo", "cn-north-1", owner=" --registry-id 123456789012"),
            f"docker tag {CHINA} $uri:1.0",
            "docker push $uri:1.0",
            "echo $uri:1.0",
        ],
    ),
    "another registry": (
        ["--no-build", "localhost:5000/byo"],
        ["docker push localhost:5000/byo", "echo localhost:5000/byo"],
    ),
    "building alone, with options for docker": (
        ["--no-push", "byo", "--", "--no-cache", "--build-arg", 'NAME=it\'s "a" $value'],
        [
            *staged(ROOT / "algorithm"),
            f"""{BUILD} byo {STAGED} --no-cache --build-arg 'NAME=it'\\''s "a" $value' {ROOT}""",
            REMOVED,
        ],
    ),
    "another algorithm": (
        ["--no-push", "--algorithm", ROOT / "examples" / "iris", "iris"],
        [
            *staged(ROOT / "examples" / "iris"),
            f"{BUILD} iris {STAGED} {ROOT}",
            REMOVED,
        ],
    ),
}


@pytest.mark.parametrize("name", DRY_RUNS)
def test_a_dry_run_shows_each_command(script: Script, name: str) -> None:
    """Nothing is run, and nothing but a region is needed to see what would be."""
    arguments, commands = DRY_RUNS[name]

    done = script("build_and_push.sh", "--dry-run", *arguments, AWS_REGION="eu-west-1")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == commands
    assert not (DOCKER / ".algorithm").exists()


@pytest.mark.parametrize(
    ("environ", "region"),
    [
        ({"AWS_DEFAULT_REGION": "us-east-2"}, "us-east-2"),
        ({"AWS_DEFAULT_REGION": "us-east-2", "AWS_REGION": "ca-west-1"}, "ca-west-1"),
    ],
)
def test_the_region_is_that_of_the_environment(
    script: Script, environ: dict[str, str], region: str
) -> None:
    """Both variables of the AWS tools count, AWS_REGION most."""
    done = script("build_and_push.sh", "--dry-run", "byo", **environ)

    assert f" --region {region} " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        ([], 2, "IMAGE is missing (see build_and_push.sh --help)"),
        (["a", "b"], 2, "one IMAGE, not a and b (see build_and_push.sh --help)"),
        (["--quiet", "byo"], 2, "--quiet is not an option; what docker is to get goes after --"),
        (["--algorithm"], 2, "--algorithm needs a DIR"),
        (["--algorithm", "nowhere", "byo"], 2, "nowhere/train.py is not a file"),
        (["My_Image"], 2, "My_Image is not the name of an image: NAME or NAME:TAG"),
        (["byo:a b"], 2, "byo:a b is not the name of an image"),
        (["byo"], 3, "no AWS region: set AWS_REGION, or run `aws configure`"),
        (["--no-push", "byo"], 3, "docker is not on PATH: install it"),
    ],
)
def test_what_is_wrong_or_missing_is_one_line(
    script: Script, arguments: list[str], code: int, line: str
) -> None:
    """The exit code says whose matter it is: 2 the command line's, 3 the machine's."""
    done = script("build_and_push.sh", *arguments)

    assert done.returncode == code
    assert done.stderr.startswith(f"build_and_push.sh: {line}")
    assert done.stderr.count("\n") == 1


def test_a_missing_aws_command_is_told_before_the_build(script: Script) -> None:
    """With a region but without the AWS command line nothing is begun."""
    done = script("build_and_push.sh", "byo", AWS_REGION="eu-west-1")

    assert done.returncode == 3
    assert done.stderr.startswith("build_and_push.sh: aws is not on PATH: install")


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not on PATH")
@pytest.mark.parametrize("name", ["build_and_push.sh", "train_local.sh", "serve_local.sh"])
def test_an_engine_that_does_not_answer_is_told(name: str, tmp_path: Path) -> None:
    """A docker command without an engine is not enough, and docker's own words say why."""
    arguments = ["--no-push", "byo"] if name == "build_and_push.sh" else ["byo"]
    environ = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/no.sock"}

    done = subprocess.run(
        [DOCKER / name, *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 3
    assert done.stderr.startswith(f"{name}: the Docker engine does not answer: ")
    assert f"{tmp_path}/no.sock" in done.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_tells_the_usage(script: Script, name: str) -> None:
    """Each script says how it is used, and gives an example."""
    done = script(name, "--help")

    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: {name} ")
    assert "\nexample" in done.stdout


def test_train_local_runs_what_byo_train_runs(script: Script) -> None:
    """Both show a container the same: the tree, the job's name for the host, and the caller."""
    tree = Paths(DOCKER / "test_dir")
    user = f"{os.getuid()}:{os.getgid()}"
    more = ["--memory", "2g"]
    container = training_container("byo", tree, user=user, environ={}, more=more)

    done = script("train_local.sh", "--dry-run", "byo", "--", *more)

    command = shlex.split(done.stdout.splitlines()[-1])
    assert command == ["docker", "run", "--rm", *container.options, "byo", "train"]


def test_serve_local_runs_what_byo_serve_runs(script: Script) -> None:
    """Both publish the same port and show the same model, which can't be written to."""
    tree = Paths(DOCKER / "test_dir")
    container = serving_container("byo", tree.model, port=9000, environ={})

    done = script("serve_local.sh", "--dry-run", "byo", PORT="9000")

    command = shlex.split(done.stdout)
    assert command == ["docker", "run", "--rm", *container.options, "byo", "serve"]


def test_train_local_shows_that_it_empties_the_last_run(script: Script, tmp_path: Path) -> None:
    """What it would remove is in the dry run as well, and stays."""
    tree = tmp_path / "tree"
    (tree / "input" / "data").mkdir(parents=True)
    (tree / "model").mkdir()
    (tree / "model" / "model.joblib").touch()

    done = script("train_local.sh", "--dry-run", "byo", TEST_DIR=str(tree))

    assert f"find {tree}/model {tree}/output -mindepth 1" in done.stdout
    assert (tree / "model" / "model.joblib").exists()


@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [
        ("train_local.sh", [], "IMAGE is missing (see train_local.sh --help)"),
        ("train_local.sh", ["byo"], "nowhere/input/data is not a folder: put the channels there"),
        ("serve_local.sh", ["--port", "9000"], "--port is not an option"),
        ("predict.sh", [], "FILE, and at most CONTENT_TYPE and ACCEPT beside it"),
        ("predict.sh", ["nowhere.csv"], "nowhere.csv can't be read"),
    ],
)
def test_wrong_usage_of_the_local_scripts_is_one_line(
    script: Script, name: str, arguments: list[str], line: str
) -> None:
    """What can't be used as given is told in one line, with exit code 2."""
    done = script(name, *arguments, TEST_DIR="nowhere")

    assert done.returncode == 2
    assert done.stderr.startswith(f"{name}: {line}")
    assert done.stderr.count("\n") == 1


def test_test_dir_is_the_sample_of_the_algorithm() -> None:
    """The classic tree has the sample's own job and data, and the sample's payload."""
    sample = ROOT / "algorithm" / "sample"
    files = ["input/config/hyperparameters.json", "input/data/training/penguins.csv"]

    _, different, missing = filecmp.cmpfiles(sample, DOCKER / "test_dir", files, shallow=False)

    assert (different, missing) == ([], [])
    assert filecmp.cmp(sample / "payload.csv", DOCKER / "payload.csv", shallow=False)
