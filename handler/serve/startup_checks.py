"""What is checked before anything is started: it would fail later, and less clearly."""

from __future__ import annotations

import socket
from pathlib import Path

from contract.errors import ModelLoadError, SettingsError
from contract.settings import RELOAD_VARIABLE, ServingSettings
from contract.user_module import check_names
from handler.invocation import archive_handler
from handler.serve.model_load_watch import ModelUnavailable


def check_start(settings: ServingSettings) -> None:
    """Check what the settings name.

    Raises:
        ModelUnavailable: the model directory of a single-model endpoint is not there.
        UserCodeError: a user's file would shadow a package of ours.
        SettingsError: the port is taken, or what is asked for can't be had together.
    """
    if settings.reload and settings.backend == "stock":
        raise SettingsError(
            f"{RELOAD_VARIABLE} needs a BYO_BACKEND that can load anew: own or shared, not stock"
        )
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
    check_names(settings.code_directories(model_dir))
    check_archive(model_dir)


def check_archive(model_dir: Path) -> None:
    """See whether the manifest of an archive, if there is one, can be read.

    Raises:
        ModelUnavailable: it can't.
    """
    try:
        archive_handler.find(model_dir)
    except ModelLoadError as error:
        raise ModelUnavailable(str(error)) from None


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
