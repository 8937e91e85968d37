"""What memory a process has, as the kernel counts it."""

from __future__ import annotations

import re
from pathlib import Path

from contract.control_groups import named_numbers

KIBIBYTE = 1024
_PRIVATE = re.compile(r"^Private_\w+:\s+(\d+)", re.MULTILINE)


def private_bytes() -> int:
    """The memory that this process shares with no other; 0 where the kernel does not say."""
    try:
        text = Path("/proc/self/smaps_rollup").read_text(encoding="utf-8")
    except OSError:
        return 0
    return KIBIBYTE * sum(map(int, _PRIVATE.findall(text)))


def anonymous_bytes(pid: int | str = "self") -> int:
    """What a process holds that no file holds as well.

    Raises:
        ProcessLookupError: it has ended.
    """
    return _status(pid, "RssAnon")


def peak_bytes() -> int:
    """The most that this process has had in memory, files among it."""
    return _status("self", "VmHWM")


def file_bytes() -> int:
    """What this process has in memory that is a file's, or shared by its name."""
    return _status("self", "RssFile") + _status("self", "RssShmem")


def _status(pid: int | str, name: str) -> int:
    figures = named_numbers(Path(f"/proc/{pid}/status"))
    if name not in figures:  # of a process that nobody has reaped, too
        raise ProcessLookupError(f"process {pid} has ended")
    return figures[name] * KIBIBYTE
