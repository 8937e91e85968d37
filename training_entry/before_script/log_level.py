"""The job's log level, in every form in which it is sent.

SDKs, consoles and people write it as a number or a name, as text or in quotes of its own. The
toolkit takes a number alone, fails with a traceback at anything else, and forgets what the
environment says. So it is given the number where it reads the hyperparameters.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from contract.environment_reader import A_LEVEL, Reader, level_of
from contract.errors import ByoError
from contract.settings import LOG_LEVEL_VARIABLE

LOG_LEVEL = "sagemaker_container_log_level"


class LogLevelError(ByoError):
    """The hyperparameter that sets the log level can't be used."""


def read_log_level(hyperparameters: Path, environ: Mapping[str, str]) -> int:
    """The level that the job asks for: its hyperparameter, else the variable, else INFO.

    Args:
        hyperparameters: the file, which is known to hold a JSON object.
        environ: where the variable may be.

    Raises:
        LogLevelError, SettingsError: what is given is no level.
    """
    given = json.loads(hyperparameters.read_text(encoding="utf-8")).get(LOG_LEVEL)
    if given is None or (isinstance(given, str) and not given.strip("\"' ")):
        return Reader(environ).log_level(LOG_LEVEL_VARIABLE, default=logging.INFO)
    level = None if isinstance(given, bool) else level_of(str(given))
    if level is None:
        raise LogLevelError(f"the hyperparameter {LOG_LEVEL} must be {A_LEVEL}, not {given!r}")
    return level


def tell_toolkit(level: int, environ: dict[str, str] | Any) -> None:
    """Have the toolkit find a level where it looks for one.

    Args:
        level: the level.
        environ: this process's environment, which the toolkit reads as a number.
    """
    from sagemaker_training import environment

    environ[LOG_LEVEL_VARIABLE] = str(level)
    read: Callable[[], dict[str, Any]] = environment.read_hyperparameters
    environment.read_hyperparameters = lambda: {**read(), LOG_LEVEL: level}
