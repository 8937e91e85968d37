"""What is in the image, and what was taken out of it without harm."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from contract import Paths
from handler.serve.frontend_command import MAIN_CLASSES
from tests.container.engine import docker, mount, run, serving
from tests.container.jobs import FIXTURES
from tests.container.sdk.environments import UV, locked

ROOT = Path(__file__).parents[2]
SBOM = ROOT / "docker" / "sbom"
LACKING = ["pyarrow.cuda", "pyarrow.flight"]
# Nothing answers on a port that is reserved for discarding what comes.
NO_SERVICE = "http://127.0.0.1:9/"
COMMANDS = {
    "bash": (["bash", "-c", "echo $((40 + 2))"], "42"),
    "python": (["python", "-c", "print(40 + 2)"], "42"),
    "python3": (["python3", "-c", "import byo; print(byo.__name__)"], "byo"),
    "pip": (["pip", "check"], "No broken requirements found."),
    "no C compiler": (["sh", "-c", "command -v cc gcc make || echo none"], "none"),
    "own train first": (["sh", "-c", "command -v train"], "/opt/byo/bin/train"),
    "own serve first": (["sh", "-c", "command -v serve"], "/opt/byo/bin/serve"),
}


@pytest.fixture(scope="session")
def config(image: str) -> dict[str, Any]:
    """What the engine knows of the image."""
    return json.loads(docker("image", "inspect", image))[0]["Config"]


@pytest.mark.parametrize(("command", "printed"), COMMANDS.values(), ids=COMMANDS)
def test_runs_any_command(image: str, command: list[str], printed: str) -> None:
    """Whatever follows the image's name is run as it stands."""
    ended = run(image, *command)

    assert (ended.code, ended.log.strip()) == (0, printed)


def test_serves_unless_told_otherwise(config: dict[str, Any]) -> None:
    """Without a command it serves; signals reach what it runs, as no shell is in between."""
    assert config["Cmd"] == ["serve"]
    assert config["Entrypoint"] == ["/opt/byo/bin/entrypoint"]


def test_tells_sagemaker_what_it_can(config: dict[str, Any]) -> None:
    """It may host several models, and on a port of SageMaker's choosing."""
    capability = "com.amazonaws.sagemaker.capabilities."

    assert config["Labels"][f"{capability}multi-models"] == "true"
    assert config["Labels"][f"{capability}accept-bind-to-port"] == "true"


def test_leaves_the_choice_of_the_script_to_the_job(config: dict[str, Any]) -> None:
    """SAGEMAKER_PROGRAM in the environment would beat the job's hyperparameter of that name."""
    assert not [one for one in config["Env"] if one.startswith("SAGEMAKER_PROGRAM=")]
    assert config["User"] in ("", "root")


def test_a_stranger_has_a_home(image: str) -> None:
    """Libraries that keep something in the home folder find one that can be written to."""
    ended = run(image, "sh", "-c", "touch ~/x && echo ~", options=["--user", "12345:12345"])

    assert (ended.code, ended.log.strip()) == (0, "/tmp")


def test_sockets_need_no_executable_scratch(image: str, trained: Paths) -> None:
    """Netty's library comes with the image: nothing is unpacked to /tmp and executed from there."""
    model = mount(trained.model, "/opt/ml/model", read_only=True)
    with serving(image, "--read-only", "--tmpfs", "/tmp", *model) as one:
        mounts = one.execute("cat", "/proc/mounts")
        sockets = one.execute("cat", "/proc/net/unix")

    assert "noexec" in next(line for line in mounts.splitlines() if " /tmp " in line)
    assert ".mms.sock." in sockets


def test_the_frontend_is_mapped_from_the_class_archive(image: str) -> None:
    """The archive goes with the jar and the runtime as they are in the image."""
    lookup = "import handler.serve.frontend_command as f; print(f.class_path())"
    java = f"$JAVA_HOME/bin/java -Xlog:class+load -cp \"$(python -c '{lookup}')\""
    guard, main = MAIN_CLASSES

    ended = run(image, "sh", "-c", f"{java} {guard} {main} --help")

    assert f"{main} source: shared objects file" in ended.log


def test_what_was_trimmed_is_not_missed(image: str) -> None:
    """Every public module can be imported but what no wheel has (CUDA) and what we left out."""
    script = mount(FIXTURES / "imports_all.py", "/imports_all.py", read_only=True)
    packages = ("numpy", "scipy", "sklearn", "pandas", "pyarrow", "dask")

    ended = run(image, "python", "/imports_all.py", *packages, options=script)

    assert [line.partition(":")[0] for line in ended.log.splitlines()] == LACKING


def test_the_libraries_still_calculate(image: str) -> None:
    """Parquet, CSV, linear algebra, optimisation, trees and kernels."""
    script = mount(FIXTURES / "uses_the_stack.py", "/uses_the_stack.py", read_only=True)

    ended = run(image, "python", "/uses_the_stack.py", options=script)

    assert ended.log.strip() == "all is well"


def test_packages_can_be_installed(image: str, tmp_path: Path) -> None:
    """pip builds and installs a package of pure Python, as a job's own code may be."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "of-mine"\nversion = "1.0"\n')
    (tmp_path / "of_mine.py").write_text("ANSWER = 42\n")
    install = "cp -r /source /tmp/source && pip install --quiet --no-build-isolation /tmp/source"
    ask = "python -c 'import of_mine; print(of_mine.ANSWER)'"

    ended = run(image, "sh", "-c", f"{install} && {ask}", options=mount(tmp_path, "/source"))

    assert (ended.code, ended.log.strip()) == (0, "42")


@pytest.mark.timeout(600)  # the environment of the tools is made first
@pytest.mark.skipif(not UV.exists(), reason="make setup has not installed uv")
def test_the_bill_of_materials_is_written_whoever_answers(image: str, tmp_path: Path) -> None:
    """It names what the image holds, also when nobody can tell what of it is vulnerable."""
    file = tmp_path / "sbom.json"
    command = [locked("sbom"), SBOM, image, file, "--osv-url", NO_SERVICE]

    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 1
    assert f"{NO_SERVICE} can't be reached" in done.stdout
    purls = {
        one.get("purl", "").partition("@")[0] for one in json.loads(file.read_text())["components"]
    }
    assert {"pkg:pypi/scikit-learn", "pkg:maven/io.netty/netty-codec-http"} <= purls
    assert {"pkg:deb/debian/openjdk-17-jdk-headless", "pkg:generic/cpython"} <= purls
