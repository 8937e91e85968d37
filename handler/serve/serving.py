"""One server, from its settings to its exit code."""

from __future__ import annotations

import logging
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import NoReturn

from contract import container_log, hosting_standards, model_server_variables
from contract.container_log import SERVE_FORM
from contract.early_interrupt import EXIT_INTERRUPTED, raise_on_interrupt
from contract.errors import ByoError
from contract.machine import this_machine
from contract.settings import ServingSettings
from handler.invocation.artifact_payload import single_model_size
from handler.processes.capacity_plan import CapacityPlan, plan
from handler.serve import (
    frontend_command,
    hidden_credentials,
    least_privilege,
    model_requirements,
    submitted_code,
)
from handler.serve.exit_codes import EXIT_CODES
from handler.serve.scratch_folder import make_scratch
from handler.serve.startup_checks import check_before_install, check_start
from handler.serve.supervisor import supervise

logger = logging.getLogger(__name__)


class StoppedEarly(BaseException):
    """SIGTERM came before there was anything that had to be drained."""


def run() -> int:
    """Serve until a stop signal; the exit code. What goes wrong is the last line of the log."""
    # What the server says of itself shows at any level: others wait for it to be ready.
    container_log.configure(logging.INFO, SERVE_FORM)
    _raise_on_signals()
    try:
        serve(os.environ)
    except ByoError as error:
        logger.critical("%s", error)
        return EXIT_CODES.get(type(error), 1)
    except StoppedEarly:
        logger.info("stopped by SIGTERM before it was started")
    except KeyboardInterrupt:
        logger.critical("interrupted before it was started")
        return EXIT_INTERRUPTED
    return 0


def _raise_on_signals() -> None:
    """Until the supervisor takes the signals, they unwind what prepares its start."""

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        raise StoppedEarly

    raise_on_interrupt()
    signal.signal(signal.SIGTERM, stop)


def serve(environ: Mapping[str, str]) -> None:
    """Serve until a stop signal.

    Args:
        environ: the settings; and what every worker finds in its environment.

    Raises:
        ByoError: one of those that EXIT_CODES names.
    """
    settings = ServingSettings.from_environ(environ)
    check_start(settings)
    planned = plan(settings, this_machine(), single_model_size(settings))
    logger.info("%s", summary(settings, planned))
    for variables in (model_server_variables, hosting_standards):
        for line in variables.unheeded(environ):
            logger.warning("%s", line)
    scratch = make_scratch()
    try:
        environ = submitted_code.fetch(environ, scratch, settings.startup_timeout)
        settings = ServingSettings.from_environ(environ)
        if settings.hide_credentials:
            environ = hidden_credentials.hide(environ)
        environ = least_privilege.drop_root(settings, scratch, environ)
        environ = with_requirements(settings, scratch, environ)
        supervise(
            settings,
            frontend_command.command(settings, planned, scratch, environ),
            frontend_command.worker_environment(settings, planned, scratch, environ),
            scratch,
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def with_requirements(
    settings: ServingSettings, scratch: Path, environ: Mapping[str, str]
) -> Mapping[str, str]:
    """The environment in which user code finds what its requirements files ask for.

    Of many models only what they have in common is installed: the files of the submitted code and
    of the algorithm folder.

    Raises:
        UserCodeError: that can't be installed.
        ModelUnavailable: it is in a model folder that is not as it must be.
    """
    model_dir = settings.paths.model.absolute()
    directories = settings.code_directories(model_dir)
    if settings.submit_dir is None or settings.submit_dir.resolve() != model_dir.resolve():
        # What lies beside the artifact may list all that training had.
        directories.remove(model_dir)
    if settings.multi_model:
        directories = directories[1:]
    else:
        model_requirements.name_what_does_not_count(settings.paths.model)
        check_before_install(settings, directories)
    if not settings.installs_requirements:
        model_requirements.name_what_is_left_out(directories)
        return environ
    found = model_requirements.install(directories, scratch, settings.startup_timeout, environ)
    return environ if found is None else found.environ(environ)


def summary(settings: ServingSettings, planned: CapacityPlan) -> str:
    """Every value that counts, in one line."""
    what = "models as they are loaded" if settings.multi_model else settings.paths.model
    return (
        f"{what} on {settings.bind_address}:{settings.port}, "
        f"{planned}, backend {settings.backend}, timeout {settings.timeout} s, "
        f"payload up to {settings.max_payload} bytes, queue {settings.queue_size}, "
        f"default accept {settings.default_accept}, algorithm {settings.algorithm_dir}, "
        f"program {settings.program or 'inference.py'}"
    )
