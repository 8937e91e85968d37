"""The framework module that sagemaker-training calls: ``training_entry.main:main``.

The toolkit's console script ``train`` reads the job, calls ``main`` and writes
``output/success``. What goes wrong is told here: ``output/failure`` holds the cause first, and
``train`` exits with the script's own exit code.

sagemaker-training is imported inside the functions only: where there is no training job, its
import creates folders in the user's home.
"""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NoReturn

from contract.errors import ByoError, SettingsError, UserCodeError
from contract.paths import BASE_DIR_VARIABLE, Paths
from contract.settings import TrainingSettings
from contract.user_module import describe
from training_entry import cluster, pinned_model
from training_entry.before_script import job_requirements
from training_entry.before_script.failure_file import FAILURE_FILE
from training_entry.before_script.job_folders import prepare_output
from training_entry.before_script.other_hosts import wait_for_hosts
from training_entry.before_script.stop_requests import Stopped, stoppable
from training_entry.hyperparameters.redaction import Secrets
from training_entry.script.failure_report import clip
from training_entry.script.subreaper import end_descendants, no_process_left
from training_entry.script.wait_settings import Limits

if TYPE_CHECKING:
    from contract.requirements.overlay import Overlay
    from training_entry.script.runner import ScriptRunner

PROGRAM = "train.py"
# The toolkit's own name for a job on one machine, where no host need be found.
LOCAL_VARIABLE = "SM_STUDIO_LOCAL_MODE"
TOOLKIT_LOGGER = "sagemaker-training-toolkit"
TOOLKIT_ERROR = "Framework Error: "

logger = logging.getLogger(__name__)


class TrainingFailed(Exception):
    """Tells the toolkit an exit code: of any exception but its own it reads ``errno``."""

    def __init__(self, reason: str, exit_code: int) -> None:
        super().__init__(reason)
        self.errno = exit_code


@dataclass(frozen=True)
class Failure:
    """Why the job failed, and the exit code that says so."""

    reason: str
    exit_code: int = 1


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
    secrets = Secrets.in_file(settings.paths.hyperparameters)
    secrets.keep_out_of_logs()
    failure = _attempt(settings, secrets)
    if failure is None and pinned_model.is_wanted(os.environ):
        pinned_model.pin(settings.paths.model)
    if failure is not None:
        _fail(settings.paths, secrets.hide(clip(failure.reason)), failure.exit_code)


def _attempt(settings: TrainingSettings, secrets: Secrets) -> Failure | None:
    """Run the job, and leave no process of it; why it failed, or None if it did not."""
    from training_entry.script.runner import ScriptFailed

    with ExitStack() as at_the_end, no_process_left() as before:

        def give_up(stopped: Stopped) -> None:
            FAILURE_FILE.write(settings.paths.failure, secrets.hide(str(stopped)))
            end_descendants(grace=0.0, keep=before)

        try:
            with stoppable(give_up):
                pinned_model.is_wanted(os.environ)  # else it would fail when all is done
                prepare_output(settings.paths)
                # Removed when no process is left that could write to it.
                folder = TemporaryDirectory(prefix="byo-job-", ignore_cleanup_errors=True)
                scratch = Path(at_the_end.enter_context(folder))
                _run(settings, Limits.from_environ(os.environ), scratch)
        except Stopped as stopped:
            return Failure(str(stopped), stopped.exit_code)
        except ScriptFailed as error:
            return Failure(str(error), error.exit_code)
        except ByoError as error:
            return Failure(str(error))
        except Exception as error:
            logger.debug("The training failed", exc_info=True)
            return Failure(_reason(error))
    return None


def _run(settings: TrainingSettings, limits: Limits, scratch: Path) -> None:
    from sagemaker_training import environment

    env = environment.Environment()
    prepare = _prepare_submitted if env.user_entry_point else _prepare_baked_in
    _run_script(env, settings.paths, limits, lambda: prepare(env, settings, limits, scratch))


def _run_script(
    env: Any, paths: Paths, limits: Limits, prepare: Callable[[], ScriptRunner]
) -> None:
    """Run the script on this host, or this host's part in a cluster that runs it.

    Args:
        env: the toolkit's view of the job, with ``hosts`` and ``current_host``.
        paths: the job's tree.
        limits: how long to wait for what.
        prepare: fetches and installs the user's code; returns what runs the script.
    """
    if cluster.is_wanted(env.hosts, os.environ):
        from training_entry.cluster.host_run import Around, run

        def start(around: Around) -> None:
            script = prepare()
            around(script, script.directory).run()

        run(env, paths, os.environ, start)
        return
    if os.environ.get(LOCAL_VARIABLE, "").lower() != "true":
        wait_for_hosts(env.hosts, env.current_host, limits.hosts)
    prepare().run()


def _prepare_submitted(
    env: Any, settings: TrainingSettings, limits: Limits, scratch: Path
) -> ScriptRunner:
    """Script mode: the toolkit fetches the code and has what it asks for installed."""
    from sagemaker_training import environment, files

    from training_entry.script.runner import ScriptRunner

    try:
        files.download_and_extract(uri=env.module_dir, path=environment.code_dir)
    except Exception as error:
        raise UserCodeError(f"{env.module_dir} can't be fetched: {describe(error)}") from error
    overlay = job_requirements.install_submitted(
        env.user_entry_point, Path(environment.code_dir), scratch
    )
    _write_environment(env, overlay)
    directory = settings.paths.code
    return ScriptRunner(env.user_entry_point, env.to_cmd_args(), directory, limits)


def _prepare_baked_in(
    env: Any, settings: TrainingSettings, limits: Limits, scratch: Path
) -> ScriptRunner:
    """The algorithm folder's script runs where it lies; the folder may be read-only."""
    from training_entry.script.runner import ScriptRunner

    directory = settings.algorithm_dir
    if not (directory / PROGRAM).is_file():
        raise UserCodeError(
            f"there is no script to train with: put {PROGRAM} into the algorithm folder "
            f"{directory}, or name a script with the hyperparameters sagemaker_program and "
            "sagemaker_submit_directory"
        )
    _write_environment(env, job_requirements.install_lacking(directory, scratch))
    return ScriptRunner(PROGRAM, env.to_cmd_args(), directory, limits, in_place=True)


def _write_environment(env: Any, overlay: Overlay | None) -> None:
    """What the script and all that it starts find in their environment."""
    from sagemaker_training import environment

    environment.write_env_vars(env.to_env_vars())
    if overlay is not None:
        os.environ.update(overlay.environ(os.environ))


def _check_job(paths: Paths) -> None:
    if not paths.input_config.is_dir():
        raise SettingsError(
            f"there is no training job under {paths.base}: {paths.input_config} doesn't exist; "
            f"{BASE_DIR_VARIABLE} names the folder that stands for /opt/ml"
        )


def _fail(paths: Paths, reason: str, exit_code: int) -> NoReturn:
    """Write the failure file, and end the toolkit with an exit code.

    Its own ClientError always means 1; any other exception it logs with the frames between itself
    and here, which say nothing of the job: of that line too, only the reason is kept.
    """
    from sagemaker_training import errors

    if not FAILURE_FILE.write(paths.failure, reason):
        # As the toolkit can't either, it would log nothing and exit with 0.
        logger.error("%s", reason)
        atexit.register(os._exit, exit_code)
    if exit_code == 1:
        raise errors.ClientError(reason)
    logging.getLogger(TOOLKIT_LOGGER).addFilter(lambda record: _tell_reason_alone(record, reason))
    raise TrainingFailed(reason, exit_code)


def _tell_reason_alone(record: logging.LogRecord, reason: str) -> bool:
    if str(record.msg).startswith(TOOLKIT_ERROR):
        record.msg = reason
    return True


def _reason(error: Exception) -> str:
    from sagemaker_training import errors

    return str(error) if isinstance(error, errors.ClientError) else describe(error)
