"""What this process may use: CPUs and memory, as the container's limits have them.

A container's limits are its control group's, or those of a group above it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from contract.control_groups import groups, lines, numbers

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Machine:
    """What a process may use.

    Args:
        cpus: how many CPUs, at least one; part of a CPU counts as one.
        memory: bytes of memory.
    """

    cpus: int
    memory: int

    def __str__(self) -> str:
        counted = "1 CPU" if self.cpus == 1 else f"{self.cpus} CPUs"
        return f"{counted}, {self.memory // MEBIBYTE} MB of memory"


def this_machine(root: Path = Path("/")) -> Machine:
    """The least of what the machine has and what the control groups grant.

    Args:
        root: where ``proc`` and ``sys`` are.
    """
    cpus = [float(len(os.sched_getaffinity(0)))]
    memory = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for folder in groups(root, "cpu"):
        cpus += _quotas(folder)
    for folder in groups(root, "memory"):
        memory += numbers(folder / "memory.max")
        memory += numbers(folder / "memory.limit_in_bytes")
    return Machine(max(1, math.ceil(min(cpus))), min(memory))


def _quotas(folder: Path) -> Iterable[float]:
    """CPUs as the group's share of each period of time, if it is limited."""
    for line in lines(folder / "cpu.max"):  # version 2: "50000 100000" or "max 100000"
        quota, _, period = line.partition(" ")
        if quota.isdecimal() and period.isdecimal():
            yield int(quota) / int(period)
    for quota_us in numbers(folder / "cpu.cfs_quota_us"):  # version 1: -1 for no limit
        for period_us in numbers(folder / "cpu.cfs_period_us"):
            yield quota_us / period_us
