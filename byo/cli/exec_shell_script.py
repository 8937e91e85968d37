"""Become the script that builds and pushes the image: it is the one way to do either."""

from __future__ import annotations

import os
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
    os.execve(script, (str(script), *arguments), {**os.environ, "BYO_COMMAND": f"byo {command}"})  # noqa: S606
