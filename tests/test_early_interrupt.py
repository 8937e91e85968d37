"""Ctrl-C before a command has come to its work: one line, exit code 130, no traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DEADLINE = 60.0
# Found on PYTHONPATH: sends this process a signal when it imports a module.
HOOK = """\
import os
import signal
import sys


class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["INTERRUPTED_BY"]:
            os.kill(os.getpid(), int(os.environ["INTERRUPTS"]))


sys.meta_path.insert(0, Interrupts())
"""
BYO = ("-P", "-m", "byo")
TRAIN = ("-P", "-m", "training_entry.launch")
SERVE = ("-P", "-m", "handler.serve.command")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment in which importing a module is interrupted."""
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(tmp_path / "hook"), "INTERRUPTS": str(signal.SIGINT)}


@pytest.mark.parametrize(
    ("command", "module", "line"),
    [
        ((*BYO, "train"), "byo.cli.main", "byo: interrupted"),
        ((*BYO, "check"), "byo.cli.check", "byo: interrupted"),
        ((*BYO, "doctor"), "byo.doctor.aws_checks", "byo: interrupted"),
        (TRAIN, "training_entry.toolkit_run", "train: interrupted"),
        (SERVE, "handler.serve.serving", "serve: interrupted"),
        (SERVE, "handler.serve.supervisor", "serve: interrupted"),
    ],
    ids=lambda each: each if isinstance(each, str) else each[-1],
)
def test_an_interrupt_of_the_imports_is_one_line(
    environ: dict[str, str], tmp_path: Path, command: tuple[str, ...], module: str, line: str
) -> None:
    """However far they have come; and from a program that has become another one."""
    done = subprocess.run(
        [sys.executable, *command],
        env={**environ, "INTERRUPTED_BY": module},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, "", f"{line}\n")


@pytest.mark.parametrize("module", ["handler.serve.serving", "handler.serve.supervisor"])
def test_an_interrupt_is_told_as_json(environ: dict[str, str], module: str) -> None:
    """Where the log is JSON, so is its last line."""
    done = subprocess.run(
        [sys.executable, *SERVE],
        env={**environ, "INTERRUPTED_BY": module, "BYO_LOG_FORMAT": "json"},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )

    assert (done.returncode, done.stdout) == (130, "")
    assert json.loads(done.stderr)["message"] == "serve: interrupted"


def test_an_interrupt_on_the_way_to_the_server_is_one_line(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """`byo serve` becomes the server: what comes between the two is not lost."""
    code = (
        "import os, signal, sys\n"
        "from contract.early_interrupt import wait_for_next_program\n"
        "wait_for_next_program()\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        f"os.execv(sys.executable, [sys.executable, *{SERVE!r}])\n"
    )

    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**environ, "INTERRUPTED_BY": "none"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "serve: interrupted\n")


def test_an_interrupt_that_is_ignored_stays_ignored(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """As in the background of a shell."""
    done = subprocess.run(
        [sys.executable, *BYO, "--version"],
        env={**environ, "INTERRUPTED_BY": "byo.cli.main"},
        cwd=tmp_path,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )

    assert done.returncode == 0
    assert done.stdout.startswith("byo ")
