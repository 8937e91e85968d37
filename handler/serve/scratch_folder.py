"""The one folder that serving writes to."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from contract.errors import SettingsError

# A unix socket's path has 107 bytes at most, and the frontend puts its sockets in scratch.
LONGEST_PATH = 70
PLAIN = re.compile(r"[\w./@+~-]+", re.ASCII)


def make_scratch() -> Path:
    """A folder for everything that serving writes, deleted when it stops.

    Raises:
        SettingsError: there is nowhere to write.
    """
    try:
        parent = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise SettingsError(
            f"there is no folder to write to ({error.strerror}): mount one, such as by "
            "--tmpfs /tmp, or name one by TMPDIR"
        ) from None
    usual = Path("/tmp")  # noqa: S108
    # The frontend's configuration takes a path with odd characters for something else.
    odd = len(str(parent)) > LONGEST_PATH or not PLAIN.fullmatch(str(parent))
    if odd and os.access(usual, os.W_OK):
        parent = usual
    return Path(tempfile.mkdtemp(prefix="byo-serve-", dir=parent))
