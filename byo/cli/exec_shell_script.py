"""Become the script that builds and pushes the image: it is the one way to do either."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from byo.containers import find_script

SCRIPT = "build_and_push.sh"


def become_script(command: str, *arguments: str) -> NoReturn:
    """Become the script, whose exit codes are this command's; in messages it bears our name.

    Args:
        command: the subcommand of `byo`.
        arguments: the script's.

    Raises:
        UsageError: there is no checkout that has the script.
    """
    script = find_script(SCRIPT)
    told = {"BYO_COMMAND": f"byo {command}", "BYO_PYTHON": sys.executable}
    os.execve(script, (str(script), *arguments), {**os.environ, **told})  # noqa: S606
