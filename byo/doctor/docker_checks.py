"""Docker: what `byo build`, and everything with `--image`, needs."""

from __future__ import annotations

import json
from collections.abc import Iterator

from byo.command_errors import MissingPrerequisite, RunFailed
from byo.containers.docker_engine import docker
from byo.doctor.remedies import Remedied, doubtful, well
from contract.machine import MEBIBYTE

LEAST_MEMORY = 2048 * MEBIBYTE


def check_docker() -> Iterator[Remedied]:
    """The client, the engine, and what the engine has to give. Without docker all else works."""
    try:
        version = docker("version", "--format", "{{.Server.Version}}").strip()
        said = json.loads(docker("info", "--format", "{{json .}}"))
    except MissingPrerequisite as missing:
        yield doubtful(f"{missing}", "only `byo build`, `byo push` and --image need it")
        return
    except (RunFailed, ValueError) as failure:
        yield doubtful(f"the Docker engine does not answer ({failure})", "start it")
        return
    memory, cpus = int(said.get("MemTotal") or 0), int(said.get("NCPU") or 0)
    if memory < LEAST_MEMORY:
        yield doubtful(
            f"the Docker engine {version} has {memory // MEBIBYTE} MB",
            f"give it {LEAST_MEMORY // MEBIBYTE} MB, as a training in a container may need it",
        )
    else:
        yield well(f"Docker engine {version}, {cpus} CPUs, {memory // MEBIBYTE} MB of memory")
    group = said.get("CgroupVersion")
    if not said.get("MemoryLimit", True):
        yield doubtful(
            "the Docker engine can't limit memory", "-- --memory has no effect in `byo train`"
        )
    elif group:
        yield well(f"the Docker engine limits memory by control groups, version {group}")
