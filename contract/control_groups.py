"""The folders of this process's control groups, and what stands in their files.

Version 1 and version 2 keep their figures in other files; in both, what a group above grants counts
as well. In a container the group's own folder is usually mounted as the root, whatever path
``/proc/self/cgroup`` names: both are looked at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

READ_BYTES = 64 * 1024


def groups(root: Path, controller: str | None = None) -> Iterator[Path]:
    """The folders of this process's control groups, and of those above them.

    Args:
        root: where ``proc`` and ``sys`` are.
        controller: only those that may have this one; of version 2, any may.
    """
    mounts = root / "sys" / "fs" / "cgroup"
    for line in lines(root / "proc" / "self" / "cgroup"):
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controller and controllers and controller not in controllers.split(","):
            continue
        mount = mounts / controllers
        group = mount / path.lstrip("/")
        yield mount
        for folder in (group, *group.parents):
            if folder == mount:
                break
            yield folder


def numbers(file: Path) -> list[int]:
    """The positive numbers that a file holds, one in a line; none where there is no such file."""
    return [int(line) for line in lines(file) if line.isdecimal() and int(line) > 0]


def named_numbers(file: Path) -> dict[str, int]:
    """What a file says in lines of a name and a number; a unit behind it is left out."""
    found = {}
    for line in lines(file):
        parts = line.split(None, 2)
        if len(parts) > 1 and parts[1].isdecimal():
            found[parts[0].rstrip(":")] = int(parts[1])
    return found


def lines(file: Path) -> list[str]:
    """A file's lines; none where there is no such file, nor such a controller."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return []
    try:  # each is short, and the kernel writes it anew for each reader
        text = b"".join(iter(lambda: os.read(descriptor, READ_BYTES), b""))
    except OSError:
        return []
    finally:
        os.close(descriptor)
    return text.decode(errors="replace").split("\n")
