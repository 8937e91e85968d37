"""How many models fit on an instance, and what workers they get."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from byo.child_processes import with_packages
from byo.command_errors import UsageError
from byo.doctor.remedies import Remedied, doubtful, lacking, well
from contract.machine import MEBIBYTE, Machine
from contract.settings import ServingSettings
from handler.processes.capacity_plan import BASE, WORKER, plan

# GiB of memory for each CPU, by the family of an instance type.
GIB_PER_CPU = {"c": 2, "m": 4, "r": 8}
CPUS = {"large": 2, "xlarge": 4}
BURSTING = {"medium": (2, 4), "large": (2, 8), "xlarge": (4, 16), "2xlarge": (8, 32)}
# An instance keeps some of its memory for itself.
USABLE = 0.93
LOAD_SECONDS = 300.0
MEASURE = ("-P", "-m", "byo.doctor.measure_model")
MEASURED = "measured"


def instance(name: str) -> Machine:
    """The CPUs and the memory of an instance type such as ``ml.m5.large``, or of ``2x8g``.

    Raises:
        UsageError: it is neither, or of a family that is not known here.
    """
    own = re.fullmatch(r"(\d+)x(\d+)g", name)
    if own:
        return Machine(int(own[1]), int(own[2]) * 1024 * MEBIBYTE)
    parts = re.fullmatch(r"(?:ml\.)?([a-z])\d[a-z]*\.((\d*)xlarge|large|medium)", name)
    if parts is None:
        raise UsageError(
            f"{name!r} is no instance type such as ml.m5.large, nor a size such as 2x8g"
        )
    family, size, factor = parts.groups()
    if family == "t" and size in BURSTING:
        cpus, memory = BURSTING[size]
    elif family in GIB_PER_CPU and (size in CPUS or factor):
        cpus = CPUS.get(size) or CPUS["xlarge"] * int(factor)
        memory = GIB_PER_CPU[family] * cpus
    else:
        raise UsageError(f"the size of {name} is not known here: name it, such as 2x8g")
    return Machine(cpus, int(memory * USABLE * 1024) * MEBIBYTE)


def check_size(name: str, models: Path, environ: Mapping[str, str]) -> Iterator[Remedied]:
    """The plan for one model and for many on an instance, with what the models need.

    Args:
        name: the instance type, or a size.
        models: a model directory, or a folder of them; each is loaded to measure it.
        environ: the environment whose settings count.

    Raises:
        UsageError: the size is not known, or there are no models.
    """
    machine = instance(name)
    settings = ServingSettings.from_environ(environ)
    sizes = {}
    for folder in _model_folders(models):
        size = _measure(folder, environ)
        if isinstance(size, str):
            yield lacking(
                f"{folder.name} can't be loaded ({size})", "`byo serve --model` says more"
            )
        else:
            sizes[folder.name] = size
            yield well(f"{folder.name} takes {_mb(size)} for each worker")
    if not sizes:
        return
    if len(sizes) == 1:
        yield _single(name, machine, settings, next(iter(sizes.values())))
    yield _many(name, machine, settings, list(sizes.values()))


def _single(name: str, machine: Machine, settings: ServingSettings, size: int) -> Remedied:
    alone = plan(replace(settings, multi_model=False), machine, size)
    needed = BASE + alone.heap + alone.workers * (size + WORKER)
    line = f"as a single model on {name} ({machine}): {alone.workers} workers, {_mb(needed)} in all"
    if needed > machine.memory:
        return doubtful(line, "set MODEL_SERVER_WORKERS lower, or take a larger instance")
    return well(line)


def _many(name: str, machine: Machine, settings: ServingSettings, sizes: list[int]) -> Remedied:
    many = plan(replace(settings, multi_model=True), machine)
    each = sum(sizes) // len(sizes) + many.workers * WORKER
    room = machine.memory - BASE - many.heap
    fit = max(0, room // each)
    line = f"as one of many on {name}: some {fit} like these are in memory at a time"
    return (
        well(line) if fit >= len(sizes) else doubtful(line, "the others are loaded when asked for")
    )


def _model_folders(place: Path) -> list[Path]:
    """A model directory alone, or the folders in a folder of models."""
    if not place.is_dir():
        raise UsageError(f"--models {place} is not a folder")
    folders = sorted(entry for entry in place.iterdir() if entry.is_dir() and entry.name != "code")
    files = [entry for entry in place.iterdir() if entry.is_file()]
    found = [place] if files or not folders else folders
    return [each / "model" if (each / "model").is_dir() else each for each in found]


def _measure(folder: Path, environ: Mapping[str, str]) -> int | str:
    """Bytes that a process of its own takes to hold a model, or why it can't be loaded."""
    command = (sys.executable, *MEASURE, str(folder))
    try:
        done = subprocess.run(
            command,
            env=with_packages({**os.environ, **environ}),
            capture_output=True,
            text=True,
            timeout=LOAD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it was not loaded within {LOAD_SECONDS:g} s"
    measured = re.search(rf"^{MEASURED} (\d+)$", done.stdout, re.MULTILINE)
    if measured:
        return int(measured[1])
    said = [line for line in done.stderr.splitlines() if line.strip()]
    return said[-1] if said else f"exit code {done.returncode}"


def _mb(size: int) -> str:
    return f"{max(1, size // MEBIBYTE)} MB"
