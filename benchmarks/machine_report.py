"""What a benchmark ran on: the machine, how busy it was, and the versions of what was compared."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.stacks.server import cores
from contract.machine import this_machine
from handler.serve.java_runtime import find_java

PACKAGES = (
    "multi-model-server", "sagemaker-inference", "scikit-learn", "numpy", "pandas", "flask",
    "gunicorn", "gevent", "fastapi", "uvicorn", "uvloop",
)  # fmt: skip
WATCH_SECONDS = 2.0
PRINT_SECONDS = 30.0
GIGABYTE = 1e9


def describe() -> dict[str, str]:
    """Names and values, for a table; takes a little to see how busy the machine is."""
    return {
        "CPU": f"{_cpu_model()}, {cores()} cores",
        "memory": f"{this_machine().memory / GIGABYTE:.0f} GB",
        "system": f"Linux {platform.release()}, {platform.machine()}",
        "busy before the run": f"{_busy():.0%}, load average {os.getloadavg()[0]:.2f}",
        "Python": platform.python_version(),
        "Java": _printed(str(find_java(os.environ)), "-Xshare:off", "-version"),
        "nginx": _printed("nginx", "-v"),
        "checkout": _printed("git", "describe", "--always", "--dirty"),
        **{name: _version(name) for name in PACKAGES},
    }


def _cpu_model() -> str:
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return found[1] if found else platform.processor() or "unknown"


def _busy() -> float:
    """The share of all CPUs' time that goes to something else."""
    before = _times()
    time.sleep(WATCH_SECONDS)
    spent = [after - earlier for after, earlier in zip(_times(), before, strict=True)]
    idle = spent[3] + spent[4]  # idle, and waiting for a disk
    return 1 - idle / max(1, sum(spent))


def _times() -> list[int]:
    """Ticks that all CPUs have spent in each state since the machine started."""
    line = Path("/proc/stat").read_text(encoding="utf-8").partition("\n")[0]
    return [int(field) for field in line.split()[1:9]]


def _printed(*command: str) -> str:
    """The first line that a command prints, on either stream."""
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PRINT_SECONDS,
            check=True,
        )
    except OSError:
        return "none"
    except subprocess.SubprocessError:
        return "unknown"
    return done.stdout.partition("\n")[0].strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
