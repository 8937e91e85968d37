"""An algorithm's requirements in the image: built in, brought by a job, tried by `byo check`."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from byo.tree.job_tree import given_job
from contract import Paths
from tests.container import engine
from tests.packages import project, wheel

BUILD_SECONDS = 1200
STRANGER = ("--user", "12345:12345")
SCRIPT = """\
import os, pathlib
import six, tiny
seen = f"{six.VERSION} {tiny.__file__}"
pathlib.Path(os.environ["SM_MODEL_DIR"], "seen.txt").write_text(seen)
"""
# What an extension module says on a machine without a screen's libraries.
LACKING = (
    "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')"
)


def byo(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "byo", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )


@pytest.fixture
def algorithm(tmp_path: Path) -> Path:
    """A folder whose requirements name each kind of place in it."""
    folder = tmp_path / "mine"
    (folder / "more").mkdir(parents=True)
    (folder / "train.py").write_text(SCRIPT)
    (folder / "requirements.txt").write_text("-r more/base.txt\n-c limits.txt\n./lib\n")
    (folder / "more" / "base.txt").write_text("--find-links ../wheels\nsix\n")
    (folder / "limits.txt").write_text("six<1\n")
    wheel(folder / "wheels", "0.1", "six", "VERSION = '0.1'\nPY2, PY3 = False, True\n")
    project(folder / "lib")
    return folder


@pytest.fixture
def tree(folder: Path) -> Paths:
    """A tree that a stranger may write to."""
    (folder / "ml" / "input" / "data" / "training").mkdir(parents=True)
    paths = given_job(folder / "ml", {})
    for path in (paths.base, *paths.base.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    return paths


@pytest.fixture
def built() -> Iterator[str]:
    """The name of an image to build."""
    name = f"byo-test-{uuid.uuid4().hex[:12]}"
    yield name
    engine.docker("rmi", "--force", name)


def layers(image: str) -> list[str]:
    return json.loads(engine.docker("image", "inspect", image))[0]["RootFS"]["Layers"]


def test_a_job_of_a_stranger_brings_its_own(image: str, algorithm: Path, tree: Paths) -> None:
    """Another version than the image's and a package's folder, both from what is read-only."""
    options = [
        *engine.mount(tree.base, "/opt/ml"),
        *engine.mount(algorithm, "/opt/program", read_only=True),
        *engine.settings(PIP_NO_INDEX="1", PIP_NO_BUILD_ISOLATION="0"),
    ]

    ended = engine.run(image, "train", options=[*options, *STRANGER])

    assert ended.code == 0, ended.log
    assert (tree.model / "seen.txt").read_text().startswith("0.1 /tmp/")
    assert "by 0.1, here alone" in ended.log


def test_what_is_built_in_is_not_installed_again(
    image: str, algorithm: Path, tree: Paths, built: str
) -> None:
    """A job without a network finds it, and an edit of the script leaves its layer as it is."""
    (algorithm / "requirements.txt").write_text("-r more/base.txt\n./lib\n")
    (algorithm / "more" / "base.txt").write_text("--find-links ../wheels\nanother\n")
    wheel(algorithm / "wheels", "1.0", "another", "VERSION = '1.0'\n")
    (algorithm / "train.py").write_text(SCRIPT.replace("six", "another"))

    done = byo("build", built, "--algorithm", algorithm)
    assert done.returncode == 0, done.stderr
    options = [*engine.mount(tree.base, "/opt/ml"), "--network", "none", *STRANGER]
    ended = engine.run(built, "train", options=options)
    before = layers(built)
    (algorithm / "train.py").write_text("# edited\n")
    assert byo("build", built, "--algorithm", algorithm).returncode == 0

    assert ended.code == 0, ended.log
    assert "asks for more" not in ended.log
    assert (tree.model / "seen.txt").read_text().startswith("1.0 /opt/venv/")
    after = layers(built)
    assert [one == other for one, other in zip(before, after, strict=True)].count(False) == 1


def test_a_check_names_the_library_that_the_image_lacks(image: str, algorithm: Path) -> None:
    """And what adds it; what can be imported is told as well."""
    wheel(algorithm / "wheels", "1.0", "screen", LACKING)
    (algorithm / "requirements.txt").write_text(
        "numpy\n./wheels/six-0.1-py3-none-any.whl\n./wheels/screen-1.0-py3-none-any.whl\n"
    )

    done = byo("check", algorithm, "--image", image, "--no-round-trip")

    lines = done.stdout.splitlines()
    assert f"ok       requirements.txt: in {image}: numpy imports" in lines
    assert f"ok       requirements.txt: in {image}: six imports" in lines
    assert any(
        f"in {image}: screen can't be imported: the image lacks libGL.so.1: put the line libgl1 "
        "into apt.txt" in line
        for line in lines
    ), done.stdout + done.stderr
    assert done.returncode == 1


def test_the_image_has_what_boosters_need(image: str) -> None:
    """OpenMP's library, which lightgbm's wheel does not bring."""
    ended = engine.run(image, "python", "-c", "import ctypes; ctypes.CDLL('libgomp.so.1')")

    assert ended.code == 0, ended.log
