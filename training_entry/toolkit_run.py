"""Runs sagemaker-training's ``train`` in this process, around which it checks what it can.

The toolkit reads the job's files before it calls anything of ours, and what it says of a file
that it can't use is a traceback. So the files are checked here first, a request to stop counts
from here on, and an end of the toolkit's that claims success without it is put right.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn

from contract.errors import ByoError
from contract.paths import Paths
from training_entry.before_script import classic_tree
from training_entry.before_script.failure_file import FAILURE_FILE
from training_entry.before_script.job_folders import drop_reports
from training_entry.before_script.log_level import read_log_level, tell_toolkit
from training_entry.before_script.stop_requests import Stopped, stoppable
from training_entry.hyperparameters.redaction import Secrets
from training_entry.job import check_job_files

MODULE_VARIABLE = "SAGEMAKER_TRAINING_MODULE"
TRAINING_MODULE = "training_entry.main:main"

logger = logging.getLogger(__name__)


def run() -> NoReturn:
    """Check the job and run it; always exits, with 0 only if the job succeeded."""
    paths = Paths.from_environ(os.environ)
    secrets = Secrets.in_file(paths.hyperparameters)
    secrets.keep_out_of_logs()

    def fail(reason: str, exit_code: int) -> NoReturn:
        text = secrets.hide(reason)
        logger.error("%s", text)
        FAILURE_FILE.write(paths.failure, text)
        sys.exit(exit_code)

    try:
        with stoppable(lambda stopped: fail(str(stopped), stopped.exit_code)) as requests:
            exit_code = _train(paths)
    except Stopped as stopped:
        fail(str(stopped), stopped.exit_code)
    except (ByoError, OSError) as error:
        fail(str(error), 1)
    if requests:
        fail(str(requests[0]), requests[0].exit_code)
    if exit_code == 0 and not paths.success.is_file():
        fail("the job ended without an outcome: see the log", 1)
    if exit_code:
        _tell_cause(paths, exit_code)
    sys.exit(exit_code)


def _tell_cause(paths: Paths, exit_code: int) -> None:
    """Log the cause once more, as the last line.

    Who started the container may be told its exit code alone, as the SDK's local mode tells it;
    the end of the log is then right above, and would be the toolkit's.
    """
    cause = FAILURE_FILE.cause(paths.failure) or "no cause is known"
    logger.error("Ending with exit code %d: %s", exit_code, cause)


def _train(paths: Paths) -> int:
    """Run the job by the toolkit; returns its exit code.

    Raises:
        ByoError: a file of the job can't be used.
        OSError: the toolkit can't make its folder for code.
    """
    drop_reports(paths)
    classic_tree.complete(paths)
    check_job_files(paths)
    level = read_log_level(paths.hyperparameters, os.environ)
    os.environ.setdefault(MODULE_VARIABLE, TRAINING_MODULE)
    # Its import makes a folder, so it waits until the job is known to be one.
    from sagemaker_training.cli import train

    tell_toolkit(level, os.environ)
    try:
        train.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0
