"""Where the script was when native code crashed, as Python's faulthandler tells it on stderr."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FATAL = "Fatal Python error: "
BLOCK = re.compile(r"^(?:Current thread|Stack) .*\(most recent call first\):\n((?:  .*\n?)+)", re.M)
FRAME = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.M)
MOST_FRAMES = 8


def find_crash(stderr: str, root: Path) -> Mapping[str, Any] | None:
    """The crash that a process told of at its very end, in the form of the bootstrap's report.

    Args:
        stderr: the end of what the process wrote there.
        root: the user's folder: frames elsewhere are left out if any lies inside it.
    """
    _, found, told = stderr.rpartition(FATAL)
    block = BLOCK.search(told)
    if not found or block is None:
        return None
    own = [*_frames(block[1], root)]
    frames = own or [*_frames(block[1], None)]
    return {"message": told.splitlines()[0], "frames": frames[:MOST_FRAMES][::-1]}


def _frames(block: str, root: Path | None) -> Iterator[dict[str, Any]]:
    """The frames of a thread, innermost first, as far as they are in a folder."""
    for file, line, function in FRAME.findall(block):
        path = Path(file)
        if root is None or (root in path.parents and "site-packages" not in path.parts):
            name = path.relative_to(root) if root else Path(*path.parts[-2:])
            yield {"file": str(name), "line": int(line), "function": function, "source": ""}
