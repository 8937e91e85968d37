"""A bound on what a process may ask for: what no machine of this size could give it.

The kernel promises any amount, and kills where it can't keep that, maybe another process. Whoever
asks for more than there is at all is told so at once, by a MemoryError, and its process lives.
"""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path

from contract.control_groups import named_numbers
from contract.machine import MEBIBYTE

KIBIBYTE = 1024
# Asked for and hardly used, as by allocators that reserve for later, and by stacks of threads.
UNUSED = 2048 * MEBIBYTE


def bound_growth(memory: int) -> None:
    """Have this process grow by all the memory there is, and no more.

    Args:
        memory: how many bytes there are.
    """
    has = named_numbers(Path("/proc/self/status")).get("VmData")
    if has is None:
        return
    most = has * KIBIBYTE + memory + UNUSED
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    given = [one for one in (soft, hard) if one != resource.RLIM_INFINITY]
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (min([most, *given]), hard))
