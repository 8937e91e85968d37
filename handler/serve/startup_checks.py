"""What is checked before anything is started: it would fail later, and less clearly."""

from __future__ import annotations

import socket

from contract.errors import ModelLoadError, SettingsError
from contract.settings import ServingSettings
from contract.user_module import check_names
from handler.invocation import archive_handler
from handler.serve.model_load_watch import ModelUnavailable


def check_start(settings: ServingSettings) -> None:
    """Check what the settings name.

    Raises:
        ModelUnavailable: the model directory of a single-model endpoint is not there.
        UserCodeError: a user's file would shadow a package of ours.
        SettingsError: the port is taken, or the model takes another backend.
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
    check_archive(settings)


def check_archive(settings: ServingSettings) -> None:
    """See whether an archive's own handler can be used.

    Raises:
        ModelUnavailable: its manifest can't be read.
        SettingsError: multi-model-server's own workers would call it past this project, which
            would never learn that it has loaded.
    """
    try:
        archive = archive_handler.find(settings.paths.model)
    except ModelLoadError as error:
        raise ModelUnavailable(str(error)) from None
    if archive and settings.backend == "stock":
        raise SettingsError(
            f"BYO_BACKEND=stock can't serve the handler {archive.name} of "
            f"{archive_handler.MANIFEST}: set BYO_BACKEND to own or shared"
        )


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
