"""``sys.stdout`` and ``sys.stderr`` of a process that logs JSON: each printed line is a line of it.

So that what user code prints during an invocation has that invocation's id. What is written past
them, by a library in C or by another process, is wrapped by `serve` (handler/serve/log_relay.py).
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import threading
from types import FrameType
from typing import Any

from contract.json_lines import LONGEST_TEXT, entry, is_object, pieces
from contract.stack_traces import Trace, cause

# What the frontend is told by a worker's output; nobody reads it here.
METRICS = "[METRICS]"
_EMIT = logging.StreamHandler.emit.__code__


class JsonHandler(logging.Handler):
    """Writes each record to standard output, at once and whole."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            put(1, (self.format(record) + "\n").encode("ascii"))
        except Exception:
            self.handleError(record)


class JsonOutput(io.TextIOBase):
    """A text stream whose lines become lines of JSON.

    Args:
        name: stdout or stderr.
        descriptor: where they are written.
        level: what level they have, unless a logging handler of the user's writes them.
        binary: what writes bytes past this, as the stream had it before.
    """

    def __init__(self, name: str, descriptor: int, level: str, binary: Any) -> None:
        super().__init__()
        self._name = name
        self._descriptor = descriptor
        self._level = level
        self.buffer = binary
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    encoding = "utf-8"
    errors = "backslashreplace"
    line_buffering = True

    def _begin(self) -> None:
        """Also in a forked child, which must not say what is the parent's to say."""
        self._lock = threading.RLock()
        self._rest = ""
        self._trace = Trace(self._tell)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def reconfigure(self, **_options: Any) -> None:
        """Nothing that can be asked for changes the lines."""

    def write(self, text: str) -> int:
        """Take a text; each line that ends in it is logged."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        record = _record_of(sys._getframe(1))
        with self._lock:
            if record is None:
                self._take(text)
            else:
                self._trace.release()
                self._tell_record(text.rstrip("\n"), record)
        return len(text)

    def finish(self) -> None:
        """Log what has no end of a line yet: nothing more will come of what is at work."""
        if not self._rest and not self._trace.holds:
            return
        with self._lock:
            rest, self._rest = self._rest, ""
            if rest:
                self._trace.add(rest)
            self._trace.release()

    def _take(self, text: str) -> None:
        *lines, rest = (self._rest + text).split("\n")
        for line in lines:
            self._trace.add(_last_state(line))
            if not self._trace.is_open:
                self._trace.release()
        if "\r" in rest:  # a bar of progress, drawn over and over
            rest = _last_state(rest.rstrip("\r")) + ("\r" if rest.endswith("\r") else "")
        while len(rest) > LONGEST_TEXT:
            self._tell([rest[:LONGEST_TEXT]], is_trace=False)
            rest = rest[LONGEST_TEXT:]
        self._rest = rest

    def _tell(self, lines: list[str], is_trace: bool) -> None:
        if is_trace:
            put(
                self._descriptor,
                entry("ERROR", self._name, cause(lines), exception="\n".join(lines)),
            )
            return
        text = "\n".join(lines)
        if not text.strip() or text.startswith(METRICS):
            return
        if is_object(text):
            put(self._descriptor, text.strip().encode(errors="backslashreplace") + b"\n")
            return
        for piece in pieces(text):
            put(self._descriptor, entry(self._level, self._name, piece))

    def _tell_record(self, text: str, record: logging.LogRecord) -> None:
        """What a handler of the user's makes of a record: their words, the record's level."""
        if is_object(text) and "\n" not in text:
            put(self._descriptor, text.encode(errors="backslashreplace") + b"\n")
            return
        exception = record.exc_text or None
        if exception and text.endswith(exception):
            text = text.removesuffix(exception).rstrip("\n")
        line = entry(record.levelname, record.name, text, at=record.created, exception=exception)
        put(self._descriptor, line)


def install() -> None:
    """Have what this process prints be lines of JSON."""
    if not isinstance(sys.stdout, JsonOutput):
        sys.stdout = JsonOutput("stdout", 1, "INFO", getattr(sys.stdout, "buffer", None))
    if not isinstance(sys.stderr, JsonOutput):
        sys.stderr = JsonOutput("stderr", 2, "WARNING", getattr(sys.stderr, "buffer", None))


def finish() -> None:
    """Log what was printed without an end of a line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, JsonOutput):
            stream.finish()


def put(descriptor: int, line: bytes) -> None:
    """Write all of a line; nobody may read the log any more."""
    with contextlib.suppress(OSError):
        while line:
            line = line[os.write(descriptor, line) :]


def _record_of(frame: FrameType) -> logging.LogRecord | None:
    """The record that a logging handler is writing, if it is one that writes."""
    record = frame.f_locals.get("record") if frame.f_code is _EMIT else None
    return record if isinstance(record, logging.LogRecord) else None


def _last_state(line: str) -> str:
    """What is seen of a line in the end, where it was drawn over."""
    return line.rstrip("\r").rpartition("\r")[2]
