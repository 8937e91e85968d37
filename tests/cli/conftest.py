"""Run the real command in processes of its own, and look for what it may leave behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MARK = "BYO_TEST_MARK"
BYO = (sys.executable, "-P", "-m", "byo")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for temporary files of the test's commands."""
    return tmp_path_factory.mktemp("t")


@pytest.fixture
def environ(scratch: Path) -> dict[str, str]:
    """An environment without this project's settings, marked so that its processes are known.

    Nor does it say how wide a terminal is, as that of the tests' own may.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SAGEMAKER_", "SM_", "BYO_", "COLUMNS", "LINES"))
    }
    return {**kept, "TMPDIR": str(scratch), MARK: uuid.uuid4().hex}


@pytest.fixture
def run_byo(tmp_path: Path, environ: dict[str, str]) -> Run:
    """Run ``byo`` to its end in the test's own folder."""

    def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        settings: dict[str, object] = {
            "cwd": tmp_path,
            "env": environ,
            "timeout": 170,
            "text": True,
        }
        return subprocess.run(
            [*BYO, *map(str, arguments)],
            capture_output=True,
            check=False,
            **{**settings, **options},
        )

    return run


@pytest.fixture
def start_byo(tmp_path: Path, environ: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen]]:
    """Start ``byo`` and go on; what still runs at the end of the test is killed."""
    started = []

    def start(*arguments: object) -> subprocess.Popen:
        process = subprocess.Popen(
            [*BYO, *map(str, arguments)],
            cwd=tmp_path,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
    for pid in _marked(environ[MARK]):  # what they had started outlives them, with their pipes
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for process in started:
        process.communicate()


@pytest.fixture
def survivors(environ: dict[str, str]) -> Callable[[], list[str]]:
    """The command lines of the test's processes that do not end within a few seconds."""

    def find(patience: float = 5.0) -> list[str]:
        deadline = time.monotonic() + patience
        while (alive := _marked(environ[MARK])) and time.monotonic() < deadline:
            time.sleep(0.05)
        return list(alive.values())

    return find


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that ``byo init`` made; tests read it and copy it, and do not change it."""
    folder = tmp_path_factory.mktemp("template") / "mine"
    subprocess.run([*BYO, "init", folder], check=True, capture_output=True, cwd="/")
    return folder


def _marked(mark: str) -> dict[int, str]:
    """The processes that have a test's mark in their environment, and their command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and f"{MARK}={mark}".encode() in (
                entry / "environ"
            ).read_bytes().split(b"\0"):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(entry.name)] = command.decode(errors="replace")
        except OSError:
            continue
    return found
