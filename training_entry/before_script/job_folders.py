"""What a job finds where it starts: its folders, and what is wrong with them told at once."""

from __future__ import annotations

import json
import logging
import tempfile
from contextlib import suppress
from pathlib import Path

from contract.errors import ByoError
from contract.paths import Paths
from training_entry.script.failure_report import clip

LOG_LEVEL = "sagemaker_container_log_level"
# More than a file system may put beside the name of a file: it takes a block that is free.
PROBE = bytes(8192)

logger = logging.getLogger(__name__)


class SurroundingsError(ByoError):
    """A folder or a setting of the job can't be used; the message names it."""


def check_log_level(hyperparameters: Path) -> None:
    """Check the one hyperparameter at which the toolkit fails before it calls anyone.

    Args:
        hyperparameters: the file, which is known to hold a JSON object.

    Raises:
        SurroundingsError: the log level is not a number.
    """
    given = json.loads(hyperparameters.read_text(encoding="utf-8")).get(LOG_LEVEL)
    value = given
    with suppress(TypeError, ValueError):
        value = json.loads(given)
    if given is None or isinstance(value, int):
        return
    example = ", such as 10 for DEBUG or 20 for INFO"
    known = logging.getLevelNamesMapping().get(str(value).upper())
    if known:
        example = f": {known} for {str(value).upper()}"
    raise SurroundingsError(f"the hyperparameter {LOG_LEVEL} must be a number{example}")


def prepare_output(paths: Paths) -> None:
    """Make the folders that SageMaker mounts, check them, and drop what an earlier run reported.

    Raises:
        SurroundingsError: a folder can't be made or written to.
    """
    drop_reports(paths)
    for directory in (paths.output, paths.output_data, paths.model):
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=directory) as probe:
                probe.write(PROBE)
        except OSError as error:
            raise SurroundingsError(f"{directory} can't be written to: {error.strerror}") from None


def drop_reports(paths: Paths) -> None:
    """Remove what an earlier run in the same tree reported: its outcome and its metrics."""
    for file in (paths.failure, paths.success, paths.metrics):
        with suppress(OSError):
            file.unlink(missing_ok=True)


def write_failure(file: Path, text: str) -> bool:
    """Write the failure file, unless the script wrote its own; false if that can't be done."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(clip(text))
    except FileExistsError:
        return file.is_file()
    except OSError as error:
        logger.error("%s can't be written: %s", file, error.strerror)
        return False
    return True
