"""What a model folder must be before anything in it is imported or unpickled.

In this order: signed by the key that ``BYO_MODEL_KEY`` names, or else as its pins have it
(``BYO_MODEL_PINS``); and without artifacts of formats that are not allowed
(``BYO_MODEL_FORMATS``). Who can write to the folder while it is loaded can get past all of it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from pathlib import Path

from contract.errors import ModelLoadError
from contract.folder_digests import FolderDigests, files_in, listed
from contract.model_pins import SIGNATURE_NAME, check_pins
from contract.readable import below, first_unreadable
from contract.settings import (
    DROPPED_ROOT_VARIABLE,
    FORMATS_VARIABLE,
    MODEL_FORMATS,
    MODEL_KEY_VARIABLE,
    RUN_AS_ROOT_VARIABLE,
    ServingSettings,
)
from handler.invocation.model_artifact import format_of
from handler.invocation.openssf_signature import check_signature
from handler.invocation.unpickling import PICKLED_FORMATS

logger = logging.getLogger(__name__)

# How a pickle of a protocol from 2 on begins and ends, whatever its name.
PICKLE_BEGINS = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))
PICKLE_ENDS = b"."


def check(model_dir: Path, settings: ServingSettings) -> None:
    """Hold a model folder against what the settings ask for.

    Raises:
        ModelLoadError: it is not as it must be; the message names the files at fault.
        SettingsError: the key can't be used.
    """
    _check_readable(model_dir)
    if not model_dir.is_dir():
        return  # said where the artifact is looked for
    if settings.model_key is not None:
        found = FolderDigests(model_dir)
        number = check_signature(model_dir, settings.model_key, found)
        logger.info("%s signs the %d files of the model", SIGNATURE_NAME, number)
    else:
        if (model_dir / SIGNATURE_NAME).exists():
            logger.info("%s is not looked at: %s is not set", SIGNATURE_NAME, MODEL_KEY_VARIABLE)
        check_pins(model_dir, settings.model_pins)
    if set(settings.model_formats) != set(MODEL_FORMATS):
        _check_formats(model_dir, settings.model_formats)


def _check_readable(model_dir: Path) -> None:
    """Say what to do where root could read a model, and who took its place can't."""
    user = os.environ.get(DROPPED_ROOT_VARIABLE)
    unread = first_unreadable(below(model_dir)) if user else None
    if unread is not None:
        raise ModelLoadError(
            f"{unread} can't be read by {user}, as which everything runs in the place of root: "
            f"let everybody read it (chmod -R a+rX), or set {RUN_AS_ROOT_VARIABLE}=true"
        )


def _check_formats(model_dir: Path, allowed: Collection[str]) -> None:
    """Refuse a folder that holds artifacts of other formats, be they the model or not.

    Where nothing may be unpickled, a pickle is known by its content as well.
    """
    no_pickles = not PICKLED_FORMATS.intersection(allowed)
    refused = [
        name
        for name, file in sorted(files_in(model_dir).items())
        if format_of(name) not in (None, *allowed) or (no_pickles and _is_pickle(file))
    ]
    if refused:
        raise ModelLoadError(
            f"{FORMATS_VARIABLE} allows {', '.join(allowed)} alone, and {model_dir} holds "
            f"{listed(refused)}: nothing of it is loaded"
        )


def _is_pickle(file: Path) -> bool:
    """Whether a file begins and ends as a pickle does."""
    try:
        with file.open("rb") as stream:
            if stream.read(2) not in PICKLE_BEGINS:
                return False
            stream.seek(-1, 2)
            return stream.read(1) == PICKLE_ENDS
    except OSError as error:
        raise ModelLoadError(f"{file} can't be read: {error.strerror}") from None
