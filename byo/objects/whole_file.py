"""A file that is written whole or not at all."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from byo.objects.object_store import DiskFull, NoAccess, ObjectsFailed

# What is being written lies beside the file under such a name, so that it can be renamed.
PART_SUFFIX = ".byo-part"
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A stream to write; the file is there, or replaced, when the block ends well.

    Folders above it are made. Where the block fails, what was there before stays.

    Raises:
        ObjectsFailed: it can't be written.
    """
    # A name of its own, of a length that any file system takes.
    part = path.with_name(f".{path.name[:64]}.{secrets.token_hex(6)}{PART_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as stream:
                yield stream
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _not_written(path, error) from None


def is_part(name: str) -> bool:
    """Whether a file's name is that of one that is still being written."""
    return name.startswith(".") and name.endswith(PART_SUFFIX)


def _not_written(path: Path, error: OSError) -> ObjectsFailed:
    kind = ObjectsFailed
    if error.errno in NO_SPACE:
        kind = DiskFull
    elif isinstance(error, PermissionError):
        kind = NoAccess
    return kind(f"{path} can't be written: {error.strerror or error}")
