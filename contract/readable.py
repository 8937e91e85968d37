"""Whether this process can read what it is to read, where it is not root any more."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

# Of a folder no more files are tried than that.
MOST_FILES = 1000


def first_unreadable(places: Iterable[Path]) -> Path | None:
    """The first of some files and folders that can't be read; None where all can be."""
    return next((place for place in places if not _can_read(place)), None)


def below(folder: Path) -> Iterator[Path]:
    """A folder, and what is in it, as far as it can be entered."""
    yield folder
    number = 0
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(place, name)
            number += 1
            if number == MOST_FILES:
                return


def _can_read(place: Path) -> bool:
    """Whether this process can; what is not there is no question of that."""
    try:
        is_folder = stat.S_ISDIR(place.stat().st_mode)
    except OSError as error:
        return error.errno != errno.EACCES  # it is in a folder that can't be entered
    return os.access(place, os.R_OK | os.X_OK if is_folder else os.R_OK)
