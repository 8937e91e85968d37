"""Folders that commands write to: copied into, removed, and held by one command at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from byo.command_errors import UsageError


def copy_anew(source: Path, target: Path) -> None:
    """Make a folder the copy of another, in place of what it was.

    Contents alone are copied: of a read-only folder the copy is to be written to and removed.

    Raises:
        UsageError: the folder can't be removed or written.
    """
    try:
        if target.exists():
            shutil.rmtree(target)
        target.mkdir(parents=True)
        for entry in sorted(source.rglob("*")):
            copy = target / entry.relative_to(source)
            if entry.is_dir():
                copy.mkdir()
            else:
                shutil.copyfile(entry, copy)
    except OSError as error:
        raise UsageError(
            f"{error.filename or target} can't be replaced: {error.strerror}"
        ) from None


@contextmanager
def held(folder: Path, command: str) -> Iterator[None]:
    """Hold a folder while the block runs: another command that would hold it is refused.

    Raises:
        UsageError: a command holds it already.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise UsageError(f"another {command} is at work in {folder}: let it end first") from None
    finally:
        os.close(descriptor)
