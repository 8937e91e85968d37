"""What memory a process has, as the kernel counts it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from contract.control_groups import named_numbers

KIBIBYTE = 1024
ANONYMOUS = "RssAnon"
_PRIVATE = re.compile(r"^Private_\w+:\s+(\d+)", re.MULTILINE)


def private_bytes() -> int:
    """The memory that this process shares with no other; 0 where the kernel does not say."""
    try:
        text = Path("/proc/self/smaps_rollup").read_text(encoding="utf-8")
    except OSError:
        return 0
    return KIBIBYTE * sum(map(int, _PRIVATE.findall(text)))


def anonymous_bytes(pid: int) -> int:
    """What another process holds that no file holds as well.

    Raises:
        ProcessLookupError: it has ended.
    """
    figures = named_numbers(Path(f"/proc/{pid}/status"))
    if ANONYMOUS not in figures:  # of a process that nobody has reaped, too
        raise ProcessLookupError(f"process {pid} has ended")
    return figures[ANONYMOUS] * KIBIBYTE


def parent_of(pid: int) -> int:
    """The process that has started another.

    Raises:
        ProcessLookupError: that has ended.
    """
    parent = named_numbers(Path(f"/proc/{pid}/status")).get("PPid")
    if parent is None:
        raise ProcessLookupError(f"process {pid} has ended")
    return parent


@dataclass(frozen=True)
class ResidentMemory:
    """What this process has in memory, in bytes; 0 where the kernel does not say.

    Args:
        anonymous: what no file holds as well.
        files: what is a file's, or shared by its name.
        peak: the most that it has ever had, of either.
    """

    anonymous: int
    files: int
    peak: int


def resident() -> ResidentMemory:
    """What this process has in memory."""
    found = named_numbers(Path("/proc/self/status"))
    anonymous, files, shared, peak = (
        found.get(name, 0) * KIBIBYTE for name in (ANONYMOUS, "RssFile", "RssShmem", "VmHWM")
    )
    return ResidentMemory(anonymous, files + shared, peak)
