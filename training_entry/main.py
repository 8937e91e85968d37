"""The framework module that sagemaker-training calls: ``training_entry.main:main``.

The toolkit's console script ``train`` reads the job, calls ``main`` and writes
``output/success``. What goes wrong is told here: ``output/failure`` holds the cause first, and
``train`` exits with the script's own exit code.

sagemaker-training is imported inside the functions only: where there is no training job, its
import creates folders in the user's home.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from contract.errors import ByoError, SettingsError, UserCodeError
from contract.paths import BASE_DIR_VARIABLE, Paths
from contract.settings import TrainingSettings
from contract.usercode import describe
from training_entry.report import clip, describe_installation, write_failure
from training_entry.requirements import unmet

PROGRAM = "train.py"
PIP_LOG_VARIABLE = "PIP_LOG"

logger = logging.getLogger(__name__)


class TrainingFailed(Exception):
    """Tells the toolkit an exit code: of any exception but its own it reads ``errno``."""

    def __init__(self, reason: str, exit_code: int) -> None:
        super().__init__(reason)
        self.errno = exit_code


def main() -> None:
    """Run the job's script: the one the job names, else ``train.py`` of the algorithm folder.

    Called by the toolkit in its own process, on the main thread.

    Raises:
        TrainingFailed, sagemaker_training.errors.ClientError: the job failed, and the failure
            file says why.
        SettingsError: there is no training job under the base folder.
    """
    settings = TrainingSettings.from_environ(os.environ)
    _check_job(settings.paths)
    from training_entry.runner import ScriptFailed

    _prepare_output(settings.paths)
    try:
        _run(settings)
    except ScriptFailed as error:
        failure = _failure(str(error), error.exit_code)
    except ByoError as error:
        failure = _failure(str(error))
    except Exception as error:
        logger.debug("The training failed", exc_info=True)
        failure = _failure(_reason(error))
    else:
        return
    write_failure(settings.paths.failure, str(failure))
    raise failure


def _run(settings: TrainingSettings) -> None:
    from sagemaker_training import environment

    env = environment.Environment()
    with _pip_log() as log:
        if env.user_entry_point:
            _run_submitted(env, settings.paths.code, log)
        else:
            _run_baked_in(env, settings.algorithm_dir, log)


def _run_submitted(env: Any, directory: Path, log: Path) -> None:
    """Script mode: the toolkit fetches the code, installs what it asks for and starts it."""
    from sagemaker_training import entry_point, errors

    from training_entry.runner import ScriptRunner

    arguments = env.to_cmd_args()
    runner = ScriptRunner(env.user_entry_point, arguments, directory)
    try:
        entry_point.run(
            env.module_dir, env.user_entry_point, arguments, env.to_env_vars(), runner_type=runner
        )
    except (errors.InstallRequirementsError, errors.InstallModuleError):
        raise UserCodeError(describe_installation("the submitted code", _text(log))) from None


def _run_baked_in(env: Any, directory: Path, log: Path) -> None:
    """Run the algorithm folder's script where it lies; the folder may be read-only."""
    from sagemaker_training import environment, errors, modules

    from training_entry.runner import ScriptRunner

    if not (directory / PROGRAM).is_file():
        raise UserCodeError(
            f"there is no script to train with: put {PROGRAM} into the algorithm folder "
            f"{directory}, or name a script with the hyperparameters sagemaker_program and "
            "sagemaker_submit_directory"
        )
    missing = unmet(directory / "requirements.txt")
    if missing:
        logger.info("requirements.txt asks for more than is installed: %s", ", ".join(missing))
        try:
            modules.install_requirements(str(directory))
        except errors.InstallRequirementsError:
            what = f"{directory / 'requirements.txt'}"
            raise UserCodeError(describe_installation(what, _text(log))) from None
    environment.write_env_vars(env.to_env_vars())
    ScriptRunner(PROGRAM, env.to_cmd_args(), directory, in_place=True).run()


def _check_job(paths: Paths) -> None:
    if not paths.input_config.is_dir():
        raise SettingsError(
            f"there is no training job under {paths.base}: {paths.input_config} doesn't exist; "
            f"{BASE_DIR_VARIABLE} names the folder that stands for /opt/ml"
        )


def _prepare_output(paths: Paths) -> None:
    """Make the folders that SageMaker mounts, and drop what an earlier local run reported."""
    for directory in (paths.model, paths.output_data):
        directory.mkdir(parents=True, exist_ok=True)
    for file in (paths.failure, paths.success):
        file.unlink(missing_ok=True)


def _failure(reason: str, exit_code: int = 1) -> Exception:
    """The exception that makes the toolkit end with an exit code.

    Its own ClientError logs the reason alone, but always means 1; for any other code the
    toolkit also logs the few frames between itself and here.
    """
    from sagemaker_training import errors

    text = clip(reason)
    return errors.ClientError(text) if exit_code == 1 else TrainingFailed(text, exit_code)


def _reason(error: Exception) -> str:
    from sagemaker_training import errors

    return str(error) if isinstance(error, errors.ClientError) else describe(error)


@contextmanager
def _pip_log() -> Iterator[Path]:
    """Have pip, which the toolkit starts, also write its messages to a file of our own."""
    before = os.environ.get(PIP_LOG_VARIABLE)
    with TemporaryDirectory(prefix="byo-pip-") as scratch:
        log = Path(scratch) / "pip.log"
        os.environ[PIP_LOG_VARIABLE] = str(log)
        try:
            yield log
        finally:
            if before is None:
                del os.environ[PIP_LOG_VARIABLE]
            else:
                os.environ[PIP_LOG_VARIABLE] = before


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
