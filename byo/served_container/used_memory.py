"""What a container takes of memory as a whole."""

from __future__ import annotations

import logging
import re
import subprocess
from contextlib import suppress
from pathlib import Path

from byo.child_processes import family

log = logging.getLogger(__name__)

DOCKER_SECONDS = 20.0
KIBIBYTE = 1024
_PROPORTIONAL = re.compile(r"^Pss:\s+(\d+)", re.MULTILINE)
_USED = re.compile(r"([\d.]+)\s*([KMGT]?)i?B")
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def of_processes(leader: int) -> int | None:
    """What a process, its session and all that descend from it take, shared memory once.

    None where the kernel does not say. It takes a millisecond for a few processes.
    """
    found = 0
    for pid in (leader, *family(leader)):
        with suppress(OSError):  # it has ended meanwhile
            text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
            size = _PROPORTIONAL.search(text)
            found += int(size[1]) * KIBIBYTE if size else 0
    return found or None


def of_docker_container(name: str) -> int | None:
    """What a container of Docker takes; None where docker does not say. It takes seconds."""
    command = ("docker", "stats", "--no-stream", "--format", "{{.MemUsage}}", name)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=DOCKER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("the memory of container %s is not known: %s", name, error)
        return None
    return _size(done.stdout)


def _size(text: str) -> int | None:
    """The first size of a text such as ``123.4MiB / 1GiB``."""
    found = _USED.match(text.strip())
    return int(float(found[1]) * _UNITS[found[2]]) if found else None
