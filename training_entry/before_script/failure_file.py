"""The job's failure file, for which there is room also where the script has filled the disk."""

from __future__ import annotations

import logging
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from training_entry.script.failure_report import clip

# More than a failure file takes, and than a file system may put beside the name of a file: it
# takes a block that is free.
ROOM = bytes(8192)

logger = logging.getLogger(__name__)


class FailureFile:
    """Writes why the job failed, once; there is one of them in a process.

    What is held back of the disk has no name: it is gone with the process, however that ends.
    """

    def __init__(self) -> None:
        self._room: IO[bytes] | None = None
        self._told = ""

    def hold_room(self, folder: Path) -> None:
        """Take the room that `write` gives back.

        Args:
            folder: the folder of the failure file.

        Raises:
            OSError: there is none, or the folder can't be written to.
        """
        self._give_room_back()
        self._room = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - held on to
        self._room.write(ROOM)

    def write(self, file: Path, text: str) -> bool:
        """Write the file, unless the script wrote its own; false if that can't be done."""
        self._told = self._told or clip(text)
        self._give_room_back()
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

    def cause(self, file: Path) -> str:
        """Why the job failed, in a line: as the file says, or would if it could be written."""
        text = ""
        with suppress(OSError):
            text = file.read_text(errors="replace")
        return (text or self._told).partition("\n")[0]

    def _give_room_back(self) -> None:
        if self._room is not None:
            os.ftruncate(self._room.fileno(), 0)  # a fork of this process may have it open, too
            self._room.close()
            self._room = None


FAILURE_FILE = FailureFile()
