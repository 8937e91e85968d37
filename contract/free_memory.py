"""How much memory is free for this process: as its control groups and the machine grant it.

Pages of files that the kernel would drop to make room count as free. Swap doesn't: a container has
none as a rule, and a model that lives there answers nobody in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contract.control_groups import groups, named_numbers, numbers
from contract.machine import MEBIBYTE

KIBIBYTE = 1024
CONTROLLER = "memory"
# The files of a group, of version 2 and of version 1: its limit and what it uses.
LIMITS = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
# What the kernel drops for others. Of version 1 those with "total" count the groups below as well.
PAGES = ("inactive_file", "active_file", "slab_reclaimable")
TOTAL = "total_"
# Where a group says how many of its processes the kernel has killed for lack of memory.
KILLS = ("memory.events", "memory.oom_control")
KILL = "oom_kill"
# What is left for those that serve: a part of the limit, within bounds.
LEFT_SHARE = 64
LEAST_LEFT, MOST_LEFT = 8 * MEBIBYTE, 64 * MEBIBYTE


@dataclass(frozen=True)
class FreeMemory:
    """What can be taken before the kernel kills for it.

    Args:
        free: bytes that are free.
        limit: the bytes of which they are a part: the group's limit, or what the machine has.
    """

    free: int
    limit: int


def free_memory(root: Path = Path("/")) -> FreeMemory:
    """The least of what the machine has left and what each control group grants.

    Args:
        root: where ``proc`` and ``sys`` are.
    """
    found = [_of_machine(root)]
    for folder in groups(root, CONTROLLER):
        for limit_file, usage_file in LIMITS:
            for limit in numbers(folder / limit_file):
                for used in numbers(folder / usage_file):
                    found.append(FreeMemory(max(0, limit - used + _droppable(folder)), limit))
    return min(found, key=lambda one: one.free)


def least_left(limit: int) -> int:
    """How much of a limit is to be left by whoever may take no more, for those that serve."""
    return min(MOST_LEFT, max(LEAST_LEFT, limit // LEFT_SHARE))


def memory_kills(root: Path = Path("/")) -> int:
    """How many processes of this control group the kernel has killed for lack of memory."""
    file = kills_file(root)
    return named_numbers(file)[KILL] if file else 0


def kills_file(root: Path = Path("/")) -> Path | None:
    """Where the kernel counts them; None where it doesn't, or where that can't be read."""
    files = [folder / name for folder in groups(root, CONTROLLER) for name in KILLS]
    # A group above counts what others' processes brought about as well.
    innermost = sorted(files, key=lambda file: len(file.parts), reverse=True)
    return next((file for file in innermost if KILL in named_numbers(file)), None)


def _of_machine(root: Path) -> FreeMemory:
    figures = named_numbers(root / "proc" / "meminfo")
    limit = figures.get("MemTotal", 0) * KIBIBYTE
    free = figures.get("MemAvailable")
    # A kernel that does not say so is none to refuse anything by.
    return FreeMemory(limit if free is None else free * KIBIBYTE, limit)


def _droppable(folder: Path) -> int:
    figures = named_numbers(folder / "memory.stat")
    return sum(figures.get(TOTAL + name, figures.get(name, 0)) for name in PAGES)
