"""What the script's folder asks for, installed into an environment of the job's own.

sagemaker-training starts pip, here told to install for that environment, to ask nobody, and to
keep a log, which says why it failed.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from contract.errors import UserCodeError
from contract.requirements.overlay import Overlay
from contract.requirements.pip_run import environment_for_pip, without_credentials
from contract.requirements.requirement_lines import FILE_NAME
from contract.requirements.what_is_lacking import unmet
from training_entry.script.failure_report import describe_installation

# pip runs by the interpreter that it names.
PIP_PYTHON_VARIABLE = "PIP_PYTHON"
PIP_LOG_VARIABLE = "PIP_LOG"
# With it the toolkit installs the folder itself, as a package.
PACKAGE_FILE = "setup.py"

logger = logging.getLogger(__name__)


def install_submitted(program: str, folder: Path, scratch: Path) -> Overlay | None:
    """Have the toolkit make submitted code ready to run, and install what it asks for.

    Args:
        program: the entry point's name.
        folder: the code.
        scratch: the folder to install into.

    Returns:
        The environment for the script; None where the code asks for nothing.

    Raises:
        UserCodeError: pip failed; the message is pip's own.
    """
    from sagemaker_training import entry_point

    def install() -> None:
        entry_point.install(program, str(folder))

    if not any((folder / name).is_file() for name in (FILE_NAME, PACKAGE_FILE)):
        install()
        return None
    return _install_by(install, "the submitted code", Overlay(scratch), scratch)


def install_lacking(folder: Path, scratch: Path) -> Overlay | None:
    """Install what the algorithm folder's requirements ask for beyond what is installed.

    Args:
        folder: the algorithm folder, which may be read-only.
        scratch: the folder to install into.

    Returns:
        The environment for the script; None where nothing was lacking.

    Raises:
        UserCodeError: pip failed; the message is pip's own.
    """
    from sagemaker_training import modules

    missing = unmet(folder / FILE_NAME)
    if not missing:
        return None
    lines = ", ".join(map(without_credentials, missing))
    logger.info("%s asks for more than is installed: %s", FILE_NAME, lines)
    overlay = Overlay(scratch)
    building = str(overlay.building_folder(folder / FILE_NAME))
    return _install_by(
        lambda: modules.install_requirements(building), str(folder / FILE_NAME), overlay, scratch
    )


def _install_by(toolkit: Callable[[], None], what: str, overlay: Overlay, scratch: Path) -> Overlay:
    from sagemaker_training import errors

    log = scratch / "pip.log"
    pip = {PIP_PYTHON_VARIABLE: str(overlay.python), PIP_LOG_VARIABLE: str(log)}
    with _process_environment({**environment_for_pip(os.environ), **pip}):
        try:
            toolkit()
        except (errors.InstallRequirementsError, errors.InstallModuleError):
            said = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
            raise UserCodeError(describe_installation(what, said)) from None
    overlay.tell_replaced()
    return overlay


@contextmanager
def _process_environment(environ: dict[str, str]) -> Iterator[None]:
    """Within the block, this process's environment is another, as the toolkit hands on its own."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
