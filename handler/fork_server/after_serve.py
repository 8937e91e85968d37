"""What the fork server does where `serve` has ended without telling it to end: the cleaning up.

There is a guard for that, which may have been killed before. It does no harm to do it twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

COMMAND_VARIABLE = "BYO_AFTER_SERVE"


class AfterServe:
    """A program that cleans up, and ends.

    Args:
        command: its command line; empty where there is nothing to clean up.
    """

    def __init__(self, command: Sequence[str] = ()) -> None:
        self._command = list(command)

    @classmethod
    def of_this_process(cls) -> AfterServe:
        """What `serve` has set in the environment, where no host is to find it."""
        return cls(json.loads(os.environ.pop(COMMAND_VARIABLE, "[]")))

    def become(self) -> None:
        """Go on as that program, whose standard input has ended; returns if there is none."""
        if self._command:
            # Not with this process's environment: by that the program finds whom to end.
            path = os.environ.get("PATH", os.defpath)
            os.execve(self._command[0], self._command, {"PATH": path})  # noqa: S606
