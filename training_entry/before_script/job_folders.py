"""What a job finds where it starts: its folders, and what is wrong with them told at once."""

from __future__ import annotations

import logging
import tempfile
from contextlib import suppress
from pathlib import Path

from contract.errors import ByoError
from contract.paths import Paths
from training_entry.script.failure_report import clip

# More than a file system may put beside the name of a file: it takes a block that is free.
PROBE = bytes(8192)

logger = logging.getLogger(__name__)


class SurroundingsError(ByoError):
    """A folder or a setting of the job can't be used; the message names it."""


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
