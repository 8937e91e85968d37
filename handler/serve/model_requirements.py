"""What a model's own code asks for beyond the image: each ``requirements.txt`` of its folders.

As in SageMaker's own images it is installed when the server starts. The environment may be
read-only, and other servers may use it: only what it lacks is installed, into a virtual
environment in the scratch folder that stands before it on the path. One plain run of pip for each
file, so that every line means what pip says it means.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import site
import subprocess
import sys
import time
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

from contract.errors import UserCodeError
from contract.requirements_file import (
    FILE_NAME,
    environment_for_pip,
    is_writable,
    unmet,
    why_pip_failed,
    without_credentials,
)

logger = logging.getLogger(__name__)

ENVIRONMENT_NAME = "requirements"
# What makes the environment that serves visible from the new one.
PARENT_FILE = "byo_parent.pth"
PIP_SETTINGS = "pip.conf"
MOST_REASONS = 3


def install(
    code_dirs: Sequence[Path], scratch: Path, seconds: float, environ: Mapping[str, str]
) -> Path | None:
    """Install what folders of code ask for and this environment lacks.

    Args:
        code_dirs: the folders; where two of them ask for one package, the first decides.
        scratch: the folder to install into.
        seconds: how long pip may take for all of them.
        environ: the environment that pip is to see.

    Returns:
        The folder to put on the path, or None if nothing was lacking.

    Raises:
        UserCodeError: pip could not install it; the message has pip's own line.
    """
    files = [folder / FILE_NAME for folder in code_dirs]
    asking = [file for file in files if unmet(file)]
    if not asking:
        return None
    site_packages = _make_environment(scratch / ENVIRONMENT_NAME)
    before = set(site_packages.iterdir())
    deadline = time.monotonic() + seconds
    for file in reversed(asking):  # what is installed later replaces
        lines = ", ".join(map(without_credentials, unmet(file)))
        logger.info("%s asks for more than is installed: %s", file, lines)
        python = scratch / ENVIRONMENT_NAME / "bin" / "python"
        _pip(python, file, scratch, max(1.0, deadline - time.monotonic()), environ)
    return site_packages if set(site_packages.iterdir()) - before else None


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


def _make_environment(folder: Path) -> Path:
    """A virtual environment that sees the packages of this one; its folder of packages."""
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    [site_packages] = folder.glob("lib/python*/site-packages")
    parents = [*site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        parents.append(site.getusersitepackages())
    lines = [f"import site; site.addsitedir({parent!r})\n" for parent in parents]
    (site_packages / PARENT_FILE).write_text("".join(lines), encoding="utf-8")
    # What `pip config --site` has set, such as an index.
    settings = Path(sys.prefix, PIP_SETTINGS)
    if settings.is_file():
        (folder / PIP_SETTINGS).symlink_to(settings)
    return site_packages


def _pip(
    python: Path, file: Path, scratch: Path, seconds: float, environ: Mapping[str, str]
) -> None:
    folder = file.parent
    if not is_writable(folder):
        # A package that the file names by its folder is built in that folder.
        folder = scratch / f"{ENVIRONMENT_NAME}-of-{file.parent.name}"
        shutil.copytree(file.parent, folder, dirs_exist_ok=True)
    # -P: a user's own modules are not pip's. No cache: nothing is to be written elsewhere.
    command = [str(python), "-P", "-m", "pip", "install", "--no-cache-dir"]
    command += ["--progress-bar", "off", "-r", FILE_NAME]
    code, output = _run(command, folder, seconds, environment_for_pip(environ))
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


def _run(
    command: Sequence[str], folder: Path, seconds: float, environ: Mapping[str, str]
) -> tuple[int | None, str]:
    """An exit code, None for one that was not done in time, and what was printed."""
    # A session of its own: nothing that pip starts finds a terminal to ask somebody.
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None, ""
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return process.returncode, output.decode(errors="replace")
