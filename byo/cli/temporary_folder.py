"""A temporary folder that outlives only a failure, for the logs in it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from byo.command_errors import RunFailed


@contextmanager
def scratch(command: str) -> Iterator[Path]:
    """A folder that is removed at the end of the block, unless the user's run failed in it."""
    folder = Path(tempfile.mkdtemp(prefix=f"byo-{command}-"))
    try:
        yield folder
    except RunFailed:
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
