"""Run a training job as the image does: sagemaker-training's `train` on an /opt/ml tree."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from byo.algorithm_folder import Algorithm
from byo.child_processes import child
from byo.command_errors import JobFailed
from byo.prerequisites import train_executable
from contract.paths import BASE_DIR_VARIABLE, Paths
from contract.settings import ALGORITHM_DIR_VARIABLE

TRAINING_MODULE = "training_entry.main:main"
# -P: a training_entry.py in the current folder is not the one meant.
TRAIN_COMMAND = (sys.executable, "-P", "-m", "training_entry.launch")


def training_environ(
    environ: Mapping[str, str], paths: Paths, algorithm: Algorithm
) -> dict[str, str]:
    """The caller's environment, with what makes `train` run this algorithm on this tree."""
    return {
        **environ,
        "SAGEMAKER_TRAINING_MODULE": TRAINING_MODULE,
        BASE_DIR_VARIABLE: str(paths.base),
        ALGORITHM_DIR_VARIABLE: str(algorithm.folder),
    }


def run_training(
    paths: Paths,
    algorithm: Algorithm,
    environ: Mapping[str, str],
    *,
    log: Path | None = None,
    timeout: float | None = None,
) -> None:
    """Run `train` to its end.

    Args:
        paths: the job's tree, complete.
        algorithm: the folder that holds train.py.
        environ: the caller's environment.
        log: the file that takes all output; None for the terminal.
        timeout: seconds the job may take; None for as long as the caller cares to wait.

    Raises:
        MissingPrerequisite: `train` is not installed.
        JobFailed: the job failed or took too long; the cause is in one line.
    """
    train_executable()
    environ = training_environ(environ, paths, algorithm)
    if log is None:
        status = _wait(environ, None, timeout)
    else:
        with log.open("wb") as file:
            status = _wait(environ, file, timeout)
    if status is None:
        raise JobFailed(f"the training job took longer than {timeout:g} s", log)
    if status != 0:
        raise JobFailed(failure_cause(paths, status), log)


def failure_cause(paths: Paths, status: int) -> str:
    """The first line of a job's failure file, or its exit code where it left none."""
    try:
        text = paths.failure.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        text = ""
    return text.splitlines()[0] if text else f"`train` ended with exit code {status}"


def _wait(environ: Mapping[str, str], stdout: object, timeout: float | None) -> int | None:
    """The exit code, or None if there was none in time."""
    with child(TRAIN_COMMAND, environ, stdout=stdout) as process:  # type: ignore[arg-type]
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
