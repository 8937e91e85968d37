"""multi-model-server's own workers with sagemaker-inference's own handler, as they come.

Both are configured and started by the toolkit (`programs/toolkit_serve.py`). Not as shipped are
the address, which is the loopback interface's, and the folders for what it writes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.stacks.ours import serving_missing
from benchmarks.stacks.programs import toolkit_inference
from benchmarks.stacks.stack import ADDRESS, Stack, Task, lacking
from handler.serve.java_runtime import find_java

PROGRAM = Path(toolkit_inference.__file__)


def environ(task: Task) -> Mapping[str, str]:
    address = f"http://{ADDRESS}:{task.port}"
    java_home = find_java(os.environ).parent.parent
    variables = {
        "JAVA_HOME": str(java_home),
        # `multi-model-server` is found there.
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
        "SAGEMAKER_BASE_DIR": str(task.paths.base),
        "SAGEMAKER_PROGRAM": PROGRAM.name,
        "SAGEMAKER_BIND_TO_PORT": str(task.port),
        "MMS_INFERENCE_ADDRESS": address,
        "MMS_MANAGEMENT_ADDRESS": address,
        "TEMP": str(task.scratch),
        "LOG_LOCATION": str(task.scratch / "logs"),
        "METRICS_LOCATION": str(task.scratch / "logs"),
    }
    if task.multi_model:
        return {**variables, "SAGEMAKER_MULTI_MODEL": "true"}
    return {**variables, "SAGEMAKER_MODEL_SERVER_WORKERS": str(task.workers)}


def command(_: Task) -> list[str]:
    return [sys.executable, "-P", "-m", "benchmarks.stacks.programs.toolkit_serve"]


def missing() -> str | None:
    return lacking("pkg_resources", "sagemaker_inference") or serving_missing()


STOCK = Stack("stock", "MMS + toolkit", command, environ, missing, PROGRAM)
