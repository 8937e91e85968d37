"""``serve``: one command, and what its exit codes mean.

0  stopped by a signal
2  a setting can't be used as given
3  Java or multi-model-server is missing, or boto3 where it is needed
4  the single model or the submitted code can't be served; the last line says why
5  the frontend, or the template that models are forked from, ended by itself
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from contract.errors import ByoError, SettingsError, UserCodeError
from contract.machine import this_machine
from contract.settings import ServingSettings
from contract.user_module import check_names, find_program
from handler.processes.sizing import Plan, plan
from handler.serve import frontend_command, model_requirements, submitted_code
from handler.serve.fork_server_process import BackendDied
from handler.serve.frontend_command import MissingPrerequisite
from handler.serve.supervisor import FrontendDied, ModelUnavailable, Supervisor

EXIT_CODES: dict[type[ByoError], int] = {
    SettingsError: 2,
    MissingPrerequisite: 3,
    ModelUnavailable: 4,
    UserCodeError: 4,
    FrontendDied: 5,
    BackendDied: 5,
}
# A unix socket's path has 107 bytes at most, and the frontend puts its sockets in scratch.
LONGEST_SCRATCH = 70


def main() -> int:
    """The console script ``serve``."""
    try:
        serve(os.environ)
    except ByoError as error:
        print(f"serve: {error}", flush=True)  # noqa: T201
        return EXIT_CODES.get(type(error), 1)
    return 0


def serve(environ: Mapping[str, str]) -> None:
    """Serve until a stop signal.

    Args:
        environ: the settings; and what every worker finds in its environment.

    Raises:
        ByoError: one of those that EXIT_CODES names.
    """
    settings = ServingSettings.from_environ(environ)
    check_start(settings)
    planned = plan(settings, this_machine())
    print(f"serve: {summary(settings, planned)}", flush=True)  # noqa: T201
    scratch = make_scratch()
    try:
        environ = submitted_code.fetch(environ, scratch, settings.startup_timeout)
        settings = ServingSettings.from_environ(environ)
        environ = with_requirements(settings, scratch, environ)
        supervisor = Supervisor(
            settings,
            frontend_command.command(settings, planned, scratch, environ),
            frontend_command.worker_environment(settings, planned, scratch, environ),
            scratch,
        )
        supervisor.run()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def check_start(settings: ServingSettings) -> None:
    """What would fail later, and less clearly.

    Raises:
        ModelUnavailable: the model directory of a single-model endpoint is not there.
        UserCodeError: a user's file would shadow a package of ours.
        SettingsError: the port is taken.
    """
    check_port(settings)
    if settings.multi_model:
        check_names([settings.algorithm_dir])
        return
    model_dir = settings.paths.model
    if not model_dir.is_dir():
        raise ModelUnavailable(
            f"there is no model directory {model_dir}: train first, "
            "or set SAGEMAKER_MULTI_MODEL=true to load models later"
        )
    check_names([model_dir, *settings.code_directories(model_dir)])


def check_port(settings: ServingSettings) -> None:
    """See whether the port can be had; the frontend would say it in stack traces.

    Raises:
        SettingsError: it is taken, or not to be had on this address.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.bind_address, settings.port))
        except OSError as error:
            raise SettingsError(
                f"port {settings.port} of {settings.bind_address} can't be had ({error.strerror}): "
                "set another by SAGEMAKER_BIND_TO_PORT"
            ) from None


def with_requirements(
    settings: ServingSettings, scratch: Path, environ: Mapping[str, str]
) -> Mapping[str, str]:
    """The environment in which the single model finds what its model_requirements.txt asks for.

    Raises:
        UserCodeError: that can't be installed.
    """
    if settings.multi_model:
        return environ
    program = find_program(
        settings.code_directories(settings.paths.model.absolute()), settings.program
    )
    if program is None:
        return environ
    site = model_requirements.install(program.parent, scratch, settings.startup_timeout)
    if site is None:
        return environ
    path = os.pathsep.join(filter(None, [str(site), environ.get("PYTHONPATH")]))
    return {**environ, "PYTHONPATH": path}


def summary(settings: ServingSettings, planned: Plan) -> str:
    """Every value that counts, in one line."""
    what = "models as they are loaded" if settings.multi_model else settings.paths.model
    return (
        f"{what} on {settings.bind_address}:{settings.port}, "
        f"{planned}, backend {settings.backend}, timeout {settings.timeout} s, "
        f"payload up to {settings.max_payload} bytes, queue {settings.queue_size}, "
        f"default accept {settings.default_accept}, algorithm {settings.algorithm_dir}, "
        f"program {settings.program or 'inference.py'}"
    )


def make_scratch() -> Path:
    """A folder for everything that serving writes, deleted when it stops.

    Raises:
        SettingsError: there is nowhere to write.
    """
    try:
        parent = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise SettingsError(
            f"there is no folder to write to ({error.strerror}): mount one, such as by "
            "--tmpfs /tmp, or name one by TMPDIR"
        ) from None
    if len(str(parent)) > LONGEST_SCRATCH:
        parent = Path("/tmp")  # noqa: S108
    return Path(tempfile.mkdtemp(prefix="byo-serve-", dir=parent))


if __name__ == "__main__":
    sys.exit(main())
