"""Takes AWS credentials out of what user code finds in its environment.

`serve` itself may need them, to fetch submitted code. From then on neither it nor anything that it
starts has them: not in the variables that programs see, and not in the memory that
``/proc/PID/environ`` shows, which keeps what a process was started with.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from pathlib import Path

PREFIX = "AWS_"
# Of AWS's variables, those that grant nothing; any other is taken out, known or not.
KEPT = frozenset(
    {
        "AWS_CA_BUNDLE",
        "AWS_DEFAULT_OUTPUT",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_MAX_ATTEMPTS",
        "AWS_REGION",
        "AWS_RETRY_MODE",
        "AWS_STS_REGIONAL_ENDPOINTS",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_USE_FIPS_ENDPOINT",
    }
)
KEPT_PREFIX = "AWS_ENDPOINT_URL"
# AWS's libraries would go on to ask the machine for its own.
WITHOUT_METADATA = {"AWS_EC2_METADATA_DISABLED": "true"}
# Where /proc/self/stat has the begin of the environment, counted from what comes after the name.
BEGIN = 47


def grants(name: str) -> bool:
    """Whether a variable may be, or lead to, a credential of AWS."""
    return name.startswith(PREFIX) and name not in KEPT and not name.startswith(KEPT_PREFIX)


def hide(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment without credentials, which this process has no more from now on."""
    for name in [name for name in os.environ if grants(name)]:
        del os.environ[name]
    os.environ.update(WITHOUT_METADATA)
    _wipe()
    return {name: text for name, text in environ.items() if not grants(name)} | WITHOUT_METADATA


def _wipe() -> None:
    """Overwrite the values with which this process was started, where the kernel shows them."""
    fields = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
    begin, end = map(int, fields.rpartition(")")[2].split()[BEGIN : BEGIN + 2])
    place = begin
    for entry in ctypes.string_at(begin, end - begin).split(b"\0"):
        name, _, text = entry.partition(b"=")
        if grants(os.fsdecode(name)):
            ctypes.memset(place + len(name) + 1, 0, len(text))
        place += len(entry) + 1
