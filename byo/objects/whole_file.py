"""A file that is written whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

# What is being written lies beside the file under such a name, so that it can be renamed.
PART_SUFFIX = ".byo-part"


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A stream to write; the file is there, or replaced, when the block ends well.

    Folders above it are made. Where the block fails, what was there before stays.

    Raises:
        OSError: it can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own, of a length that any file system takes.
    part = path.with_name(f".{path.name[:64]}.{secrets.token_hex(6)}{PART_SUFFIX}")
    try:
        with part.open("xb") as stream:
            yield stream
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def is_part(name: str) -> bool:
    """Whether a file's name is that of one that is still being written."""
    return name.startswith(".") and name.endswith(PART_SUFFIX)
