"""What a model's own code asks for beyond the image: each ``requirements.txt`` of its folders.

As in SageMaker's own images it is installed when the server starts, here into an environment in
the scratch folder. One plain run of pip for each file, so that every line means what pip says it
means.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from contract.errors import UserCodeError
from contract.hosting_standards import AUTO_INSTALL
from contract.requirements import installed_marks
from contract.requirements.overlay import Overlay
from contract.requirements.pip_run import (
    conflicts_told,
    environment_for_pip,
    why_pip_failed,
    without_credentials,
)
from contract.requirements.requirement_lines import FILE_NAME
from contract.requirements.what_is_lacking import unmet
from handler.serve.slow_step import SlowStep

logger = logging.getLogger(__name__)

MOST_REASONS = 3
LOOK_SECONDS = 0.5
TAIL_BYTES = 4096


def install(
    code_dirs: Sequence[Path], scratch: Path, seconds: float, environ: Mapping[str, str]
) -> Overlay | None:
    """Install what folders of code ask for and this environment lacks.

    Args:
        code_dirs: the folders; where two of them ask for one package, the first decides.
        scratch: the folder to install into.
        seconds: how long pip may take for all of them.
        environ: the environment that pip is to see.

    Returns:
        The environment for users' code, or None if nothing was lacking.

    Raises:
        UserCodeError: pip could not install it; the message has pip's own line.
    """
    files = [folder / FILE_NAME for folder in code_dirs]
    asking = [(file, lacking) for file in files if (lacking := unmet(file))]
    if not asking:
        return None
    overlay = Overlay(scratch)
    deadline = time.monotonic() + seconds
    for file, lacking in reversed(asking):  # what is installed later replaces
        lines = ", ".join(map(without_credentials, lacking))
        logger.info("%s asks for more than is installed: %s", file, lines)
        mark = installed_marks.mark(file)
        _pip(overlay, file, max(1.0, deadline - time.monotonic()), environ)
        installed_marks.leave(mark, overlay.site_packages)
    overlay.tell_replaced()
    return overlay


def name_what_does_not_count(model_dir: Path) -> None:
    """Say that a file beside the artifact is not installed, such as MLflow's, where it matters."""
    missing = unmet(model_dir / FILE_NAME)
    if missing:
        logger.warning(
            "%s is not installed, as it may list all that training had; what the model needs "
            "belongs into code/%s (%s)",
            model_dir / FILE_NAME,
            FILE_NAME,
            ", ".join(map(without_credentials, missing)),
        )


def name_what_is_left_out(code_dirs: Sequence[Path]) -> None:
    """Say what is lacking, and not installed as a setting says so."""
    for file in (folder / FILE_NAME for folder in code_dirs):
        if missing := unmet(file):
            logger.warning(
                "%s asks for more than is installed, and %s=false leaves it out: %s",
                file,
                AUTO_INSTALL,
                ", ".join(map(without_credentials, missing)),
            )


def _pip(overlay: Overlay, file: Path, seconds: float, environ: Mapping[str, str]) -> None:
    # -P: a user's own modules are not pip's. No cache: nothing is to be written elsewhere.
    command = [str(overlay.python), "-P", "-m", "pip", "install", "--no-cache-dir"]
    command += ["--progress-bar", "off", "-r", FILE_NAME]
    # What pip unpacks on its way goes with the scratch folder, also where pip is killed.
    settings = {**environment_for_pip(environ), "TMPDIR": str(overlay.folder.parent)}
    code, output = _run(command, overlay.building_folder(file), seconds, settings)
    if code is None:
        raise UserCodeError(f"pip did not install {file} within {seconds:.0f} s")
    if code:
        reasons = "; ".join(why_pip_failed(output)[:MOST_REASONS])
        raise UserCodeError(f"pip could not install {file}: {reasons}")
    for line in map(str.strip, without_credentials(output).splitlines()):
        if line.startswith(("ERROR: ", "WARNING: ")):
            logger.warning("pip: %s", line.partition(": ")[2])
        elif line.startswith("Successfully installed"):
            logger.info("pip: %s", line)
    for line in conflicts_told(output):
        logger.warning("pip: %s", line)


def _run(
    command: Sequence[str], folder: Path, seconds: float, environ: Mapping[str, str]
) -> tuple[int | None, str]:
    """An exit code, None for one that was not done in time, and what was printed."""
    with tempfile.TemporaryFile() as output:
        # A session of its own: nothing that pip starts finds a terminal to ask somebody.
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environ, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            is_done = _wait(process, SlowStep("pip is still installing", seconds), output.fileno())
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        output.seek(0)
        said = output.read().decode(errors="replace")
    return (process.returncode, said) if is_done else (None, "")


def _wait(process: subprocess.Popen[bytes], step: SlowStep, output: int) -> bool:
    """Whether a process ends in time; what it prints last is told meanwhile.

    Args:
        process: the process.
        step: how long that may be.
        output: the file that it prints to.
    """
    while step.left > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(min(LOOK_SECONDS, step.left))
            return True
        tail = os.pread(output, TAIL_BYTES, max(0, os.fstat(output).st_size - TAIL_BYTES))
        lines = [line for line in tail.decode(errors="replace").splitlines() if line.strip()]
        step.look(without_credentials(lines[-1].strip()) if lines else "")
    return False
