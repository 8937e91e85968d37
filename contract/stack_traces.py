"""Puts together the lines of one stack trace, which are printed one by one.

Known are Python's tracebacks, Java's stack traces, and what Python's faulthandler prints when a
process crashes. Any other line is for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_PYTHON = re.compile(r"Traceback \(most recent call last\):")
_GROUP = re.compile(r"\s*\+ Exception Group Traceback ")
_OF_A_GROUP = re.compile(r"\s*[|+]")
_CAUSE_OF_A_GROUP = re.compile(r"\s*\| (\w*Group: .*)")
# What may come before a traceback, in a line of its own.
_BEFORE = re.compile(r"Exception (?:in thread|ignored in|in callback) |Process \S+:$|--- Logging")
_JAVA = re.compile(r"\s+at \S.*\)$|\s*\.{3} \d+ (?:more|common)|Caused by: |\s+Suppressed: ")
_CRASH = re.compile(r"Fatal Python error: |(?:Current thread|Thread) 0x")
_OF_A_CRASH = re.compile(
    r"$|\s+(?:File \"|\.\.\.|<)|(?:Current thread|Thread) 0x|Extension modul|C st"
)
# A trace that has no end is told in several parts.
MOST_LINES = 500


class Trace:
    """The lines of one record: a stack trace, or one line.

    Args:
        tell: called with the lines of each record, and whether they are a stack trace.
    """

    def __init__(self, tell: Callable[[list[str], bool], None]) -> None:
        self._tell = tell
        self._lines: list[str] = []
        self._kind = ""

    @property
    def is_open(self) -> bool:
        """Whether lines are held that more will belong to, as far as is known."""
        return bool(self._lines) and self._kind != "line"

    @property
    def holds(self) -> bool:
        """Whether any line is held: one of Java's stack trace may follow."""
        return bool(self._lines)

    def add(self, line: str) -> None:
        """Take a line; what it does not belong to is told first."""
        if not (self._lines and self._belongs(line)):
            self.release()
            self._begin(line)
        if len(self._lines) >= MOST_LINES:
            self.release()

    def release(self) -> None:
        """Tell what is held."""
        lines, is_trace = self._lines, self._kind not in ("line", "before")
        self._lines = []
        if lines:
            self._tell(lines, is_trace)

    def _begin(self, line: str) -> None:
        self._lines = [line]
        if _PYTHON.match(line):
            self._kind = "python"
        elif _GROUP.match(line):
            self._kind = "group"
        elif _CRASH.match(line):
            self._kind = "crash"
        else:
            self._kind = "before" if _BEFORE.match(line) else "line"

    def _belongs(self, line: str) -> bool:
        """Whether a line goes with those that are held; it is put to them then."""
        if self._kind == "python":
            self._lines.append(line)
            if line.strip() and line[0] not in " \t":  # the exception itself, which is the last
                self.release()
                self._kind = "line"
            return True
        if self._kind == "before" and (_PYTHON.match(line) or _GROUP.match(line)):
            self._kind = "python" if _PYTHON.match(line) else "group"
        elif self._kind in ("line", "before", "java") and _JAVA.match(line):
            self._kind = "java"
        elif not (
            (self._kind == "crash" and _OF_A_CRASH.match(line))
            or (self._kind == "group" and _OF_A_GROUP.match(line))
        ):
            return False
        self._lines.append(line)
        return True


def cause(lines: list[str]) -> str:
    """The line of a stack trace that says what happened."""
    java = [line for line in lines if line.startswith("Caused by: ")]
    if java:
        return java[-1].removeprefix("Caused by: ")
    if any(map(_PYTHON.match, lines)):
        return lines[-1].strip()
    groups = [found for line in lines if (found := _CAUSE_OF_A_GROUP.match(line))]
    if groups:
        return groups[0][1]
    return lines[0].strip()
