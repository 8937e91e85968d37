"""The `serve` of this checkout, with its defaults, and variants that differ by one setting."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.stacks.stack import Stack, Task
from byo.algorithm_folder import Algorithm
from byo.command_errors import MissingPrerequisite
from byo.endpoint import serving_environ
from byo.endpoint.local_endpoint import SERVE_COMMAND
from byo.prerequisites import require_serving


def ours(name: str, label: str, **settings: str) -> Stack:
    """`serve` with these variables set."""

    def environ(task: Task) -> Mapping[str, str]:
        no_code = task.scratch / "program"
        no_code.mkdir()
        return serving_environ(
            settings, task.paths, Algorithm(no_code), task.port, multi_model=task.multi_model
        )

    def command(_: Task) -> list[str]:
        return list(SERVE_COMMAND)

    return Stack(name, label, command, environ, serving_missing)


def serving_missing() -> str | None:
    """What this machine lacks for multi-model-server, in a line, or None."""
    try:
        require_serving({})
    except MissingPrerequisite as missing:
        return str(missing)
    return None
