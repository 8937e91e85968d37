"""Let a process of its own import the user's code, and hear the last line of what it says."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from byo.child_processes import child

IMPORT_SECONDS = 120.0


class NotTold(Exception):
    """The process ended without its last word; the message says how."""


def last_word(module: str, environ: Mapping[str, str], *arguments: str | Path) -> tuple[int, str]:
    """Run ``python -m module`` to its end.

    Args:
        module: one of this package's programs.
        environ: the caller's environment.
        arguments: the program's arguments, the user's file first.

    Returns:
        The exit code, 0 or 1, and the last line on stdout or stderr.

    Raises:
        NotTold: it took too long, or ended with another exit code.
    """
    command = (sys.executable, "-P", "-B", "-m", module, *arguments)
    with tempfile.TemporaryFile() as output:
        with child(command, environ, stdout=output, grace=1.0) as process:
            try:
                process.wait(IMPORT_SECONDS)
            except subprocess.TimeoutExpired:
                raise NotTold(f"its import took longer than {IMPORT_SECONDS:g} s") from None
        output.seek(0)
        lines = output.read().decode(errors="replace").strip().splitlines()
    if process.returncode not in (0, 1):
        raise NotTold(f"its import ended the process with exit code {process.returncode}")
    return process.returncode, lines[-1] if lines else ""
