"""The frontend as a command: what the JVM is told, and what it executes for each model.

The JVM is started directly, not through ``mms/model_server.py``: that script writes a pid
file into the machine's temp folder and refuses to start twice.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contract.free_memory import kills_file
from contract.machine import MEBIBYTE
from contract.model_server_variables import without_them
from contract.requirements.overlay import interpreter
from contract.settings import MODEL_KEY_VARIABLE, ServingSettings
from handler.invocation.archive_handler import DECODE_AS_SET_VARIABLE, DECODE_VARIABLE
from handler.processes import batch_transform_file, launcher_pipes
from handler.processes.capacity_plan import CapacityPlan
from handler.serve import batch_transform_defaults
from handler.serve.frontend_configuration import log_configuration, properties
from handler.serve.java_runtime import find_java, model_server_home

MODEL_NAME = "model"
CONFIGURATION_NAME = "mms.properties"
PLAIN_PATH = re.compile(r"[\w./@+~-]+", re.ASCII)
# The guard in front of the frontend (handler/frontend);
# the frontend's own main class is named, too, as the process is known by it.
GUARD = Path(__file__).parents[1] / "frontend" / "guard.jar"
MAIN_CLASSES = ("byo.frontend.GuardedServer", "com.amazonaws.ml.mms.ModelServer")
# How long what was accepted may take to be answered after a stop: SageMaker kills a container 30 s
# after SIGTERM, `docker stop` by itself after 10 s.
DRAIN_SECONDS = 20
# What the frontend executes for each model: a launcher that stands for a host of ours, or
# multi-model-server's own worker.
LAUNCHER = Path(__file__).parents[1] / "fork_server" / "launcher.sh"
STOCK_WORKER = Path(__file__).parent / "stock_worker.py"


# The collector that takes least for an answer, on few CPUs as on many: what is collected is young.
# A body that is larger than the young part becomes old at once: that part grows and, once all is
# collected (HeapReturn.java), shrinks again. The JVM takes no more than one collector: where a user
# names one, it is that.
COLLECTOR = (
    "-XX:+UseSerialGC",
    "-XX:MinHeapFreeRatio=10",
    "-XX:MaxHeapFreeRatio=30",
    "-XX:-ShrinkHeapInSteps",
)
USERS_COLLECTOR = re.compile(r"-XX:\+Use\w+GC\b")
# … and refuses to begin with more than a user allows.
USERS_HEAP = re.compile(r"-Xm[nsx]|-XX:\w*(?:Heap|New)Size=")
# Each model takes the frontend half a dozen threads, most of which only wait. No buffers of
# Netty's are lost here that it should find. Nobody manages its log through JMX, which would take a
# quarter of its start.
FRUGAL = (
    "-Xss256k",
    "-Dio.netty.leakDetection.level=disabled",
    "-Dlog4j2.disable.jmx=true",
)
# A thread that has run once holds so many pages of its stack for native code. This is the least
# that the JVM takes on this processor; on others it may take no less than its default of 20.
SHADOW = ("-XX:StackShadowPages=10",) if platform.machine() == "x86_64" else ()


# The guard counts invocations, and tells `serve` of them when the metrics are asked for.
METRICS = ("-Dbyo.metrics=true",)
# A model's socket outlives its processes, so the guard has the frontend connect again at once.
RECONNECTS = ("-Dbyo.reconnects=true",)


@dataclass(frozen=True)
class Backend:
    """What the frontend executes for each model.

    Args:
        interpreter: the program that runs ``mms/model_service_worker.py`` of the home.
        home: the folder that holds it.
    """

    interpreter: str
    home: Path


def command(
    settings: ServingSettings, plan: CapacityPlan, scratch: Path, environ: Mapping[str, str]
) -> list[str]:
    """Write what the frontend reads into the scratch folder; return its command line.

    Raises:
        MissingPrerequisite: Java or multi-model-server is not installed.
    """
    is_stock = settings.backend == "stock"
    if is_stock:
        backend = _backend(scratch, interpreter(environ), STOCK_WORKER)
    else:
        backend = _backend(scratch, "/bin/sh", LAUNCHER)
        launcher_pipes.make(scratch)
    configuration = scratch / CONFIGURATION_NAME
    configuration.write_text(properties(settings, plan, scratch), encoding="utf-8")
    batch_transform_file.write(scratch, batch_transform_defaults.document(settings, plan))
    log_layout = scratch / "log4j2.xml"
    log_layout.write_text(log_configuration(settings), encoding="utf-8")
    line = [
        str(find_java(environ)),
        "-XX:-UsePerfData",  # else the JVM writes to the machine's temp folder, not to ours
        "-XX:+ExitOnOutOfMemoryError",
        *(() if USERS_COLLECTOR.search(settings.jvm_arguments) else COLLECTOR),
        *FRUGAL,
        *SHADOW,
        *_heap(settings, plan),
        f"-Djava.io.tmpdir={scratch}",
        f"-Dmodel_server_home={backend.home}",
        f"-Dlog4j.configurationFile={log_layout.as_uri()}",
        *settings.jvm_arguments.split(),
        f"-Dbyo.folder={scratch}",
        f"-Dbyo.drain={DRAIN_SECONDS}",
        f"-Dbyo.timeout={settings.timeout}",
        *(() if is_stock else RECONNECTS),
        *_kills(),
        *(METRICS if settings.metrics else ()),
        "-cp",
        class_path(),
        *MAIN_CLASSES,
        "--python",
        backend.interpreter,
        "-f",
        str(configuration),
    ]
    if not settings.multi_model:
        line += ["-m", f"{MODEL_NAME}={_readable(settings.paths.model.absolute(), scratch)}"]
    return line


def _kills() -> list[str]:
    """Where the guard sees that the kernel has killed a process for lack of memory."""
    file = kills_file()
    return [f"-Dbyo.kills={file}"] if file else []


def _heap(settings: ServingSettings, plan: CapacityPlan) -> list[str]:
    """The JVM's heap: it begins with little beside what a large body may have it grow to."""
    sizes = {"-Xmx": plan.heap}
    if not USERS_HEAP.search(settings.jvm_arguments):
        sizes |= {"-Xmn": plan.young_heap, "-Xms": 2 * plan.young_heap}
    return [f"{name}{size // MEBIBYTE}m" for name, size in sizes.items()]


def _readable(model_dir: Path, scratch: Path) -> Path:
    """A path of the model that the frontend understands.

    It splits its argument at commas, refuses two dots in a row, and puts the path before others
    with a colon between.
    """
    if PLAIN_PATH.fullmatch(str(model_dir)) and ".." not in str(model_dir):
        return model_dir
    link = scratch / MODEL_NAME
    link.symlink_to(model_dir)
    return link


def class_path() -> str:
    """The JVM's: the frontend's jar first, as the image's class archive is made for such a path.

    Raises:
        MissingPrerequisite: multi-model-server is not installed.
    """
    return f"{model_server_home() / 'mms' / 'frontend' / '*'}{os.pathsep}{GUARD}"


def _backend(scratch: Path, interpreter: str, script: Path) -> Backend:
    """A home for the frontend in which a script of ours has the worker's name."""
    home = scratch / "home"
    scripts = home / "mms"
    scripts.mkdir(parents=True)
    shutil.copyfile(script, scripts / "model_service_worker.py")
    return Backend(interpreter, home)


def frontend_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What the JVM finds in its environment: nothing that would replace its configuration."""
    return {
        **without_them(environ),
        # Of bodies as such: the service reads them for handlers that want them read.
        DECODE_VARIABLE: "false",
        DECODE_AS_SET_VARIABLE: environ.get(DECODE_VARIABLE, ""),
    }


def worker_environment(
    settings: ServingSettings, plan: CapacityPlan, scratch: Path, environ: Mapping[str, str]
) -> dict[str, str]:
    """What the fork server and each worker find in their environment."""
    # Hosts are somewhere else by the time that they look for it.
    key = {MODEL_KEY_VARIABLE: str(settings.model_key.absolute())} if settings.model_key else {}
    return {
        **environ,
        # Folders of models and algorithms may be read-only, and are not ours to write to.
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **plan.thread_environment(environ),
        # Else memory that was freed stays with one of many arenas, and never goes back.
        "MALLOC_ARENA_MAX": environ.get("MALLOC_ARENA_MAX", "2"),
        # Arrow's own allocator keeps what a large body took, and this one can be told not to.
        "ARROW_DEFAULT_MEMORY_POOL": environ.get("ARROW_DEFAULT_MEMORY_POOL", "system"),
        launcher_pipes.DIR_VARIABLE: str(scratch),
        "TMPDIR": str(scratch),
        "BYO_ALGORITHM_DIR": str(settings.algorithm_dir.absolute()),
        **key,
    }
