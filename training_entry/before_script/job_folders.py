"""What a job finds where it starts: its folders, and what is wrong with them told at once."""

from __future__ import annotations

import tempfile
from contextlib import suppress

from contract.errors import ByoError
from contract.paths import Paths
from training_entry.before_script.failure_file import FAILURE_FILE, ROOM


class SurroundingsError(ByoError):
    """A folder or a setting of the job can't be used; the message names it."""


def prepare_output(paths: Paths) -> None:
    """Make the folders that SageMaker mounts, check them, and drop what an earlier run reported.

    Room for the failure file is held back from then on.

    Raises:
        SurroundingsError: a folder can't be made or written to.
    """
    drop_reports(paths)
    for directory in (paths.output, paths.output_data, paths.model):
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=directory) as probe:
                probe.write(ROOM)
            if directory == paths.output:
                FAILURE_FILE.hold_room(directory)
        except OSError as error:
            raise SurroundingsError(f"{directory} can't be written to: {error.strerror}") from None


def drop_reports(paths: Paths) -> None:
    """Remove what an earlier run in the same tree reported: its outcome and its metrics."""
    for file in (paths.failure, paths.success, paths.metrics):
        with suppress(OSError):
            file.unlink(missing_ok=True)
