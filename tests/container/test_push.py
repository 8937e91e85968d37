"""The script that builds and pushes, on a checkout whose image takes no time, with real pushes."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.container import engine
from tests.container.registry import Registry, registry
from tests.container.sdk.aws import moto_server
from tests.container.sdk.environments import UV, locked

ROOT = Path(__file__).parents[2]
DOCKERFILE = """\
FROM scratch
ARG ALGORITHM=algorithm
COPY ${ALGORITHM} /opt/program
ENV BUILT_FOR=${ALGORITHM}
"""
# The one form that SageMaker takes: no index, and nothing of OCI.
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
# Its registries have no addresses on the internet.
REGION = "us-iso-east-1"

Build = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def pushed() -> Iterator[Registry]:
    """A registry that is empty at first."""
    with registry() as made:
        yield made


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the project's scripts and two algorithm folders."""
    folder = tmp_path / "checkout"
    (folder / "docker").mkdir(parents=True)
    for script in (ROOT / "docker").glob("*.sh"):
        shutil.copy(script, folder / "docker")
    shutil.copytree(ROOT / "docker" / "script_library", folder / "docker" / "script_library")
    shutil.copy(ROOT / ".dockerignore", folder)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "algorithm").mkdir()
    (folder / "algorithm" / "train.py").write_text("print('the default')\n")
    return folder


@pytest.fixture
def build_and_push(checkout: Path, tmp_path: Path) -> Build:
    """Run the script in the folder beside the checkout."""

    def run(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
        foreign = ("AWS_", "BYO_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return subprocess.run(
            [checkout / "docker" / "build_and_push.sh", *map(str, arguments)],
            cwd=tmp_path,
            env={**kept, "HOME": str(tmp_path), **environ},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )

    return run


@pytest.fixture
def name(pushed: Registry) -> Iterator[str]:
    """A name in the registry; its image is removed from the engine in the end."""
    made = f"{pushed.address}/byo-test-{uuid.uuid4().hex[:8]}:1.0"
    yield made
    if engine.has_image(made):
        engine.docker("rmi", made)


def program(image: str, folder: Path) -> str:
    """The train.py that an image holds."""
    container = engine.docker("create", image, "train").strip()
    try:
        engine.docker("cp", f"{container}:/opt/program/train.py", str(folder / "copy.py"))
    finally:
        engine.docker("rm", container)
    return (folder / "copy.py").read_text()


def test_an_image_is_pushed_in_the_form_that_sagemaker_takes(
    build_and_push: Build, pushed: Registry, name: str
) -> None:
    """One manifest of Docker's own media type, for linux/amd64; the last line is its name."""
    done = build_and_push(name)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == name
    repository = name.split("/")[1].removesuffix(":1.0")
    assert pushed.manifests[repository, "1.0"][0] == MANIFEST
    assert pushed.manifest(repository, "1.0")["mediaType"] == MANIFEST
    configuration = pushed.configuration(repository, "1.0")
    assert (configuration["os"], configuration["architecture"]) == ("linux", "amd64")


def test_without_buildx_the_image_is_the_same(
    build_and_push: Build, pushed: Registry, name: str, tmp_path: Path
) -> None:
    """Docker's older builder knows nothing of attestations, and is not asked for any."""
    (tmp_path / "no-plugins").mkdir()
    environ = {"DOCKER_CONFIG": str(tmp_path / "no-plugins"), "DOCKER_BUILDKIT": "0"}

    done = build_and_push(name, **environ)

    assert done.returncode == 0, done.stderr
    repository = name.split("/")[1].removesuffix(":1.0")
    assert pushed.manifests[repository, "1.0"][0] == MANIFEST


def test_another_algorithm_may_lie_anywhere(
    build_and_push: Build, checkout: Path, name: str, tmp_path: Path
) -> None:
    """A folder outside the checkout is built in, and nothing of it stays in the checkout."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.py").write_text("print('mine')\n")
    before = sorted(checkout.rglob("*"))

    done = build_and_push("--no-push", "--algorithm", "mine", name)

    assert done.returncode == 0, done.stderr
    assert program(name, tmp_path) == "print('mine')\n"
    assert sorted(checkout.rglob("*")) == before


def test_a_build_that_fails_leaves_nothing(
    build_and_push: Build, checkout: Path, name: str
) -> None:
    """Docker's exit code and reason are shown, nothing is pushed, and the next build can begin."""
    (checkout / "Dockerfile").write_text(f"{DOCKERFILE}COPY nowhere /\n")

    done = build_and_push("--algorithm", checkout / "algorithm", name)

    assert done.returncode != 0
    assert "nowhere" in done.stderr
    assert "docker push" not in done.stderr
    assert not (checkout / "docker" / ".algorithm").exists()


def test_an_image_that_is_not_there_can_not_be_pushed(build_and_push: Build, name: str) -> None:
    """The command that builds it is named."""
    done = build_and_push("--no-build", name)

    assert done.returncode == 2
    assert done.stderr.startswith(f"build_and_push.sh: there is no image {name} here: build it")


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of the AWS command line, with moto's server as AWS."""
    if not UV.exists():
        pytest.skip("make setup has not installed uv")
    python = locked("moto")
    with moto_server(python, "127.0.0.1", tmp_path_factory.mktemp("moto") / "log") as url:
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_REGION": REGION,
            "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        }


def repositories(aws: dict[str, str]) -> str:
    """The repositories that ECR has."""
    command = shutil.which("aws", path=aws["PATH"])
    return subprocess.run(
        [command, "ecr", "describe-repositories", "--region", REGION],
        env={**os.environ, **aws},
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    ).stdout


def test_credentials_are_tried_before_the_build(
    build_and_push: Build, aws: dict[str, str], tmp_path: Path
) -> None:
    """Without any, the AWS command line's own words are shown, and nothing is built."""
    environ = {name: value for name, value in aws.items() if "ACCESS_KEY" not in name}

    done = build_and_push("byo", **environ)

    assert done.returncode == 3
    assert done.stderr.startswith("build_and_push.sh: AWS does not know you: Unable to locate cred")
    assert done.stderr.count("\n") == 1


def test_a_repository_is_made_once(build_and_push: Build, aws: dict[str, str], name: str) -> None:
    """ECR is asked for the repository, which is made if it is absent; docker is to log in there."""
    build_and_push("--no-push", name)
    local = f"byo-test-{uuid.uuid4().hex[:8]}"
    engine.docker("tag", name, local)
    try:
        first = build_and_push("--no-build", local, **aws)
        second = build_and_push("--no-build", local, **aws)
    finally:
        engine.docker("rmi", local)

    # The registry is one that nobody has, so it ends there.
    assert (first.returncode, second.returncode) == (1, 1)
    assert "aws ecr create-repository" in first.stderr
    assert "aws ecr create-repository" not in second.stderr
    for done in (first, second):
        assert "docker login --username AWS --password-stdin" in done.stderr
        assert done.stderr.endswith(f".dkr.ecr.{REGION}.amazonaws.com does not let you in\n")
    assert local in repositories(aws)
