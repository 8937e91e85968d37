"""What the server's processes hold while nothing is asked, and whether that grows by the round."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import psutil

from tests.serving.backend.processes import Processes
from tests.soak.evidence import java_tool

SETTLE_SECONDS = 40.0
TOOL_SECONDS = 30.0
LOOKS, LOOK_SECONDS = 5, 1.5
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Measure:
    """Something that must stay level.

    Args:
        name: what it is called.
        most: by how much it may have grown at the end of a run.
        unit: of both.
    """

    name: str
    most: float
    unit: str = ""


SUPERVISOR = Measure("resident, supervisor", 6, "MB")
FORK_SERVER = Measure("resident, fork server", 6, "MB")
JAVA = Measure("resident, JVM", 120, "MB")
JAVA_LIVE = Measure("JVM's objects after a collection", 4, "MB")
PROCESSES = Measure("processes", 0)
ZOMBIES = Measure("zombies", 0)
DESCRIPTORS = Measure("descriptors, supervisor and fork server", 3)
JAVA_DESCRIPTORS = Measure("descriptors, JVM", 12)
THREADS = Measure("threads, JVM", 60)  # it keeps idle ones for a minute
FILES = Measure("files in scratch", 2)
MEASURES = (
    PROCESSES, ZOMBIES, DESCRIPTORS, JAVA_DESCRIPTORS, THREADS, FILES,
    SUPERVISOR, FORK_SERVER, JAVA, JAVA_LIVE,
)  # fmt: skip

Level = dict[Measure, float]


def settle(processes: Processes, scratch: Path, launchers: int) -> bool:
    """Wait until nothing of the models that came and went is left; whether that came about."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        is_left = len(processes.launchers()) > launchers or any(scratch.glob("*-std*"))
        if not is_left and not processes.zombies():
            return True
        time.sleep(0.25)
    return False


def level(processes: Processes, scratch: Path) -> Level:
    """What is held: the least of some looks, as connections and questions come and go."""
    looks = []
    for _ in range(LOOKS):
        looks.append(_look(processes, scratch))
        time.sleep(LOOK_SECONDS)
    held = {measure: min(one[measure] for one in looks) for measure in looks[0]}
    live = _live_bytes(processes.frontend())
    return held if live is None else {**held, JAVA_LIVE: live / MEBIBYTE}


def _look(processes: Processes, scratch: Path) -> Level:
    supervisor, fork_server = processes.supervisor(), processes.fork_server()
    frontend = processes.frontend()
    return {
        PROCESSES: len(processes.all()),
        ZOMBIES: len(processes.zombies()),
        DESCRIPTORS: supervisor.num_fds() + fork_server.num_fds(),
        JAVA_DESCRIPTORS: frontend.num_fds(),
        THREADS: frontend.num_threads(),
        FILES: sum(1 for _ in scratch.rglob("*")),
        SUPERVISOR: supervisor.memory_info().rss / MEBIBYTE,
        FORK_SERVER: fork_server.memory_info().rss / MEBIBYTE,
        JAVA: frontend.memory_info().rss / MEBIBYTE,
    }


def growth(values: Sequence[float]) -> float:
    """By how much something has grown over a run: the median slope of all pairs, times its length.

    One odd value counts for little. What the first round brings along, such as code that is
    loaded when it is first needed, is no growth.
    """
    counted = values[1:] if len(values) > 3 else values
    if len(counted) < 2:
        return 0.0
    return statistics.median(_slopes(counted)) * (len(counted) - 1)


def _slopes(values: Sequence[float]) -> Iterable[float]:
    for (first, before), (second, after) in combinations(enumerate(values), 2):
        yield (after - before) / (second - first)


def _live_bytes(frontend: psutil.Process) -> float | None:
    """What the JVM's living objects take; None where no tool of the JDK is to be had."""
    tool = java_tool(frontend, "jcmd")
    if tool is None:
        return None
    try:
        done = subprocess.run(
            [tool, str(frontend.pid), "GC.class_histogram"],
            capture_output=True, text=True, timeout=TOOL_SECONDS, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    # Its last line: "Total       123456       7890123".
    last = done.stdout.split()[-2:]
    return float(last[1]) if len(last) == 2 and last[1].isdigit() else None
