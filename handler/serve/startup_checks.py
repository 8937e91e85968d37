"""What is checked before anything is started: it would fail later, and less clearly."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

from contract.errors import ModelLoadError, SettingsError
from contract.model_pins import VARIABLE as PINS_VARIABLE
from contract.requirements.requirement_lines import FILE_NAME as REQUIREMENTS
from contract.settings import (
    FORMATS_VARIABLE,
    MODEL_FORMATS,
    MODEL_KEY_VARIABLE,
    RELOAD_VARIABLE,
    ServingSettings,
)
from contract.user_module import check_names
from handler.invocation import archive_handler, model_folder
from handler.invocation.openssf_signature import load_key
from handler.serve.model_load_watch import ModelUnavailable


def check_start(settings: ServingSettings) -> None:
    """Check what the settings name.

    Raises:
        ModelUnavailable: the model directory of a single-model endpoint is not there.
        UserCodeError: a user's file would shadow a package of ours.
        SettingsError: the port is taken, a model's key can't be used, or what is asked for can't be
            had together.
    """
    if settings.reload and settings.backend == "stock":
        raise SettingsError(
            f"{RELOAD_VARIABLE} needs a BYO_BACKEND that can load anew: own or shared, not stock"
        )
    if settings.model_key is not None:
        load_key(settings.model_key)
    if settings.backend == "stock":
        check_for_stock(settings)
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


def check_before_install(settings: ServingSettings, directories: Sequence[Path]) -> None:
    """Before what a model folder asks for is installed, see that it is as it must be.

    Without that, its process sees to it: a large model is not read twice.

    Args:
        settings: the serving settings.
        directories: the folders whose requirements count.

    Raises:
        ModelUnavailable: it is not.
    """
    model_dir = settings.paths.model.resolve()
    inside = (each for each in directories if each.resolve().is_relative_to(model_dir))
    if any((each / REQUIREMENTS).exists() for each in inside):
        _check_folder(settings)


def check_for_stock(settings: ServingSettings) -> None:
    """See what can be seen of models only now: a stock worker has the folder of its model on the
    path from its start, before anything of ours runs in it.

    Raises:
        ModelUnavailable: the folder of the single model is not as it must be.
        SettingsError: of many models more is asked for than can be held.
    """
    if not settings.multi_model:
        _check_folder(settings)
        return
    asked = {
        PINS_VARIABLE: settings.model_pins == "require",
        MODEL_KEY_VARIABLE: settings.model_key is not None,
        FORMATS_VARIABLE: set(settings.model_formats) != set(MODEL_FORMATS),
    }
    for name in (name for name, is_asked in asked.items() if is_asked):
        raise SettingsError(
            f"{name} needs a BYO_BACKEND that looks at a folder before a process has it on its "
            "path: own or shared, not stock"
        )


def _check_folder(settings: ServingSettings) -> None:
    try:
        model_folder.check(settings.paths.model, settings)
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
