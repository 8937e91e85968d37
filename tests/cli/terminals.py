"""A program on a terminal of its own: what a person would see, and what they type."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

DEADLINE = 120.0
# A session's first terminal that is opened by its name is the one that its signals come from.
TAKE_TERMINAL = (
    "import os, sys; os.open(os.ttyname(0), os.O_RDWR); os.execvp(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """The person's side of a terminal.

    Args:
        end: the descriptor of this side.
        process: the program on the other.
    """

    def __init__(self, end: int, process: subprocess.Popen[bytes]) -> None:
        self._end = end
        self.process = process
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._end, text.encode())

    def wait_for(self, text: str) -> None:
        """Read until a text is shown that was not before."""
        begin = len(self.shown)
        deadline = time.monotonic() + DEADLINE
        while text not in self.shown[begin:]:
            assert time.monotonic() < deadline, f"no {text!r} in {self.shown[begin:]!r}"
            assert self._read(deadline), f"it ended without {text!r}: {self.shown[begin:]!r}"

    def rest(self) -> str:
        """All that is shown until the program ends."""
        deadline = time.monotonic() + DEADLINE
        while self._read(deadline):
            assert time.monotonic() < deadline, self.shown
        self.process.wait(DEADLINE)
        return self.shown

    def _read(self, deadline: float) -> bool:
        """Whether there may be more to come."""
        ready, _, _ = select.select([self._end], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            return True
        try:
            data = os.read(self._end, 65536)
        except OSError:  # the other side is closed
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)


@contextmanager
def on_terminal(
    command: Sequence[str | Path],
    folder: Path,
    environ: Mapping[str, str],
    *,
    columns: int = 100,
    **streams: int,
) -> Iterator[Terminal]:
    """Run a program on a terminal; it is killed at the end of the block if it still runs.

    Args:
        command: the program and its arguments.
        folder: its current folder.
        environ: its whole environment, but for the terminal's name.
        columns: the width.
        streams: what `subprocess` takes of standard streams that are not the terminal's.
    """
    ours, theirs = pty.openpty()
    settings = {"stdin": theirs, "stdout": theirs, "stderr": theirs, **streams}
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE_TERMINAL, *command],
        cwd=folder,
        env={"TERM": "xterm-256color", "COLUMNS": str(columns), **environ},
        start_new_session=True,
        **settings,  # type: ignore[call-overload]
    )
    os.close(theirs)
    try:
        yield Terminal(ours, process)
    finally:
        process.kill()
        process.wait(DEADLINE)
        os.close(ours)
