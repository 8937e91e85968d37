"""FastAPI on uvicorn, with uvloop and httptools: what a good engineer would write by hand."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from benchmarks.stacks.stack import ADDRESS, Stack, Task, lacking

APPLICATION = "benchmarks.stacks.programs.fastapi_app:app"


def fastapi(name: str, label: str, *options: str, **variables: str) -> Stack:
    """The application, with further options of uvicorn and variables of its environment."""

    def command(task: Task) -> list[str]:
        uvicorn = [sys.executable, "-P", "-m", "uvicorn", APPLICATION, "--host", ADDRESS]
        return [*uvicorn, "--port", str(task.port), "--workers", str(task.workers), *options]

    def environ(task: Task) -> Mapping[str, str]:
        return {"MODEL_DIR": str(task.paths.model), **variables}

    return Stack(name, label, command, environ, missing)


def missing() -> str | None:
    return lacking("fastapi", "uvicorn", "uvloop", "httptools")
