"""What a model's processes print, where their launcher is no more.

They print to the launcher's pipes, which the frontend reads until the launcher ends, and closes
then. Who prints to a pipe without a reader gets an error for it: a host that lives would answer
with 500 for ever. So the fork server opens each pipe as a reader, too, as long as the frontend
reads it, and passes on what comes as soon as the launcher has ended.
"""

from __future__ import annotations

import contextlib
import os
import selectors

from handler.processes.launch_request import STDERR, STDOUT

CHUNK = 65536
# What has no end of a line for so long is passed on as it is.
LONGEST_LINE = 65536
# For the frontend only, which would not show it.
METRICS = b"[METRICS]"


class LauncherOutput:
    """A launcher's two pipes, with a reader as long as this is open.

    Args:
        pid: the launcher's process id.
        selector: what waits for something to be printed, once the launcher has ended.
    """

    def __init__(self, pid: int, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        # Of each pipe, what has come of a line that has not ended.
        self._unfinished: dict[int, bytes] = {}
        self._is_passed_on = False
        for number in (STDOUT, STDERR):
            with contextlib.suppress(OSError):  # it has just ended
                path = f"/proc/{pid}/fd/{number}"
                pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                self._unfinished[pipe] = b""

    def pass_on(self) -> None:
        """The launcher has ended: from now on, print what comes where this process prints."""
        self._is_passed_on = True
        for pipe in list(self._unfinished):
            self._selector.register(pipe, selectors.EVENT_READ, lambda pipe=pipe: self._read(pipe))

    def close(self) -> None:
        """Nobody prints there any more."""
        for pipe in list(self._unfinished):
            self._leave(pipe)

    def _read(self, pipe: int) -> None:
        if pipe not in self._unfinished:  # closed by what happened at the same moment
            return
        try:
            came = os.read(pipe, CHUNK)
        except BlockingIOError:
            return
        if not came:
            self._leave(pipe)
            return
        lines = (self._unfinished[pipe] + came).split(b"\n")
        rest = lines.pop()
        if len(rest) > LONGEST_LINE:
            lines.append(rest)
            rest = b""
        self._unfinished[pipe] = rest
        _print(lines)

    def _leave(self, pipe: int) -> None:
        rest = self._unfinished.pop(pipe)
        if self._is_passed_on:
            self._selector.unregister(pipe)
            _print([rest] if rest else [])
        os.close(pipe)


def _print(lines: list[bytes]) -> None:
    text = b"".join(line + b"\n" for line in lines if not line.startswith(METRICS))
    with contextlib.suppress(OSError):  # nobody reads the log any more
        while text:
            text = text[os.write(1, text) :]
