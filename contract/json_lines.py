"""A line of the log as JSON: what is in it, and what already is such a line.

The members, in this order, those in brackets where there are such:

    time        ISO 8601, UTC, with milliseconds
    level       DEBUG, INFO, WARNING, ERROR or CRITICAL
    logger      who says it: a logger's name, or stdout or stderr for what was merely printed
    message     what it says
    [model]     the model that was at work
    [request_id]  the invocation that was under way
    pid         the process
    [exception] a traceback
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from contract.log_context import AT_WORK

# Characters of a message or a traceback: a line has to fit where logs are collected.
LONGEST_TEXT = 20_000
# What every record has; whatever else is on one was given by `extra`.
_OF_A_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "request_id"}
_MEMBERS = frozenset({"time", "level", "logger", "message", "model", "pid", "exception"})


def entry(
    level: str,
    logger: str,
    message: str,
    *,
    at: float | None = None,
    exception: str | None = None,
    request_id: str | None = None,
    more: Mapping[str, Any] | None = None,
    from_here: bool = True,
) -> bytes:
    """One line, with its end; nothing but ASCII, so that it passes through anything unharmed.

    Args:
        level, logger, message, exception: as above.
        at: when, in seconds since 1970; now by default.
        request_id: the invocation's, where it is not the one under way.
        more: members that a user's code adds.
        from_here: whether this process says it, and is at work on what it is about.
    """
    document: dict[str, Any] = {
        "time": _time(time.time() if at is None else at),
        "level": level,
        "logger": logger,
        "message": _bounded(message),
    }
    if from_here:
        if AT_WORK.model is not None:
            document["model"] = AT_WORK.model
        if request_id := request_id or AT_WORK.request_id:
            document["request_id"] = request_id
        document["pid"] = os.getpid()
    if exception:
        document["exception"] = _bounded(exception)
    for name, value in (more or {}).items():
        document.setdefault(name, value)
    return _dumped(document).encode("ascii") + b"\n"


class JsonFormatter(logging.Formatter):
    """Formats each record as a line of JSON, without the line's end."""

    def format(self, record: logging.LogRecord) -> str:
        exception = record.exc_text or ""
        if record.exc_info and not exception:
            exception = self.formatException(record.exc_info)
        if record.stack_info:
            exception = "\n".join(filter(None, (exception, record.stack_info)))
        given = {name: value for name, value in vars(record).items() if name not in _OF_A_RECORD}
        line = entry(
            record.levelname,
            record.name,
            _message_of(record),
            at=record.created,
            exception=exception or None,
            request_id=getattr(record, "request_id", None),
            more={name: value for name, value in given.items() if name not in _MEMBERS},
        )
        return line.decode("ascii").rstrip("\n")


def is_object(line: str | bytes) -> bool:
    """Whether a line is a JSON object by the letter of JSON, which knows no NaN."""
    text = line.strip()
    opening = "{" if isinstance(text, str) else b"{"
    if text[:1] != opening:
        return False
    try:
        return isinstance(json.loads(text, parse_constant=_refuse), dict)
    except (ValueError, RecursionError):
        return False


def pieces(text: str) -> Iterator[str]:
    """A text in pieces that each fit into one line."""
    for start in range(0, max(1, len(text)), LONGEST_TEXT):
        yield text[start : start + LONGEST_TEXT]


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # arguments that do not go with the message: both are told
        return f"{record.msg} {_plain(record.args)}"


def _bounded(text: str) -> str:
    """The beginning and the end of a text that is too long: its cause is in one of them."""
    if len(text) <= LONGEST_TEXT:
        return text
    half = LONGEST_TEXT // 2
    return f"{text[:half]} … {len(text) - 2 * half} characters … {text[-half:]}"


def _time(seconds: float) -> str:
    whole = int(seconds)
    thousandths = int((seconds - whole) * 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{thousandths:03d}Z"


def _dumped(document: Mapping[str, Any]) -> str:
    try:
        return json.dumps(document, allow_nan=False)
    except (TypeError, ValueError, RecursionError):  # what a user's code added is no JSON
        return json.dumps({name: _plain(value) for name, value in document.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, str | int):
        return value
    try:
        return repr(value)[:LONGEST_TEXT]
    except Exception:  # a class of the user's whose own text fails
        return "its value can't be written"


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)
