"""nginx in front of gunicorn in front of flask: the container that most have built on."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping

from benchmarks.stacks.stack import Stack, Task, lacking


def command(_: Task) -> list[str]:
    return [sys.executable, "-P", "-m", "benchmarks.stacks.programs.classic_serve"]


def environ(task: Task) -> Mapping[str, str]:
    return {
        "MODEL_DIR": str(task.paths.model),
        "PORT": str(task.port),
        "MODEL_SERVER_WORKERS": str(task.workers),
    }


def missing() -> str | None:
    if shutil.which("nginx") is None:
        return "there is no nginx on PATH: apt-get install nginx"
    return lacking("flask", "gunicorn", "gevent")


CLASSIC = Stack("classic", "nginx + gunicorn + flask", command, environ, missing)
