"""Notes at the end of a job what each file of the model is, for serving to see that it still is."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path

from contract.environment_reader import Reader
from contract.errors import ByoError
from contract.model_pins import FILE_NAME, MODES, VARIABLE, write_pins

logger = logging.getLogger(__name__)


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether a job's model is to be pinned.

    Raises:
        SettingsError: the setting can't be used.
    """
    return Reader(environ).choice(VARIABLE, MODES) != "off"


def pin(model_dir: Path) -> None:
    """Pin a model's files.

    A model that is trained is worth more than its pins: why there are none is told. Pins that were
    there are those of other files.
    """
    try:
        number = write_pins(model_dir)
    except (ByoError, OSError) as error:
        logger.warning("The model has no %s: %s", FILE_NAME, error)
        with contextlib.suppress(OSError):
            (model_dir / FILE_NAME).unlink(missing_ok=True)
    else:
        if number:
            logger.info("The model's files are pinned in %s (%d)", FILE_NAME, number)
