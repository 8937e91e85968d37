"""What the log says of an invocation that failed: the cause and the user's line come first.

One record for each, under the invocation's id, without what was sent: the caller is told that.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

from contract.errors import InvocationError, InvocationTimeout, UnforeseenValue
from contract.user_module import describe

logger = logging.getLogger(__name__)

# Ours are in the way of whoever looks for a mistake of their own.
OUR_PACKAGES = ("handler", "contract")


class Mask(Protocol):
    """Takes out of a text what must not be logged: see `PayloadMask`."""

    def hide(self, text: str) -> str: ...


class NoMask:
    """Where nothing was sent that a text could repeat."""

    def hide(self, text: str) -> str:
        """The text."""
        return text


def log_failure(
    request_id: str,
    problem: InvocationError,
    error: BaseException,
    stage: str = "",
    mask: Mask | None = None,
    code: Sequence[Path] = (),
) -> None:
    """Log a failed invocation: a line, and under it where a mistake of user code arose.

    Args:
        request_id: of the invocation.
        problem: what the caller is told.
        error: what was raised.
        stage: the function that was at work.
        mask: takes out what was sent.
        code: the folders of user code: the innermost line in any of them is named.
    """
    mask = mask or NoMask()
    told = {"request_id": request_id}
    is_bug = problem.status >= 500
    level = logging.ERROR if is_bug else logging.INFO
    # Raised by ours on purpose, it says what there is to say, but for what it was raised for.
    cause = error.__cause__ if error is problem else error
    if cause is None or not (is_bug or isinstance(problem, UnforeseenValue)):
        logger.log(level, "%d %s", problem.status, mask.hide(problem.detail), extra=told)
        return
    is_late = isinstance(problem, InvocationTimeout)
    line = problem.detail if is_late else _described(cause, mask, code)
    if stage:
        line = f"{line}, in {stage}"
    if logger.isEnabledFor(level):
        arguments, trace = (problem.status, line), (type(cause), cause, cause.__traceback__)
        record = logger.makeRecord(
            logger.name, level, __file__, 0, "%d %s", arguments, trace, extra=told
        )
        record.exc_text = _traceback(cause, mask)
        logger.handle(record)


def log_users_failure(request_id: str, status: int) -> None:
    """Log an invocation that user code has answered with an error of its own."""
    level = logging.ERROR if status >= 500 else logging.INFO
    told = {"request_id": request_id}
    logger.log(level, "%d is what the model's own code answered", status, extra=told)


def _described(error: BaseException, mask: Mask, code: Sequence[Path]) -> str:
    line = describe(error, *code)
    for text in _text_of(error)[:1]:
        message = " ".join(text.split())
        line = line.replace(message, mask.hide(message)) if message else line
    return line


def _traceback(error: BaseException, mask: Mask) -> str:
    """The traceback without our own frames before the first that is not ours."""
    shown = traceback.TracebackException(type(error), error, _after_ours(error.__traceback__))
    text = "".join(shown.format()).rstrip()
    for message in sorted(set(_messages(error)), key=len, reverse=True):
        text = text.replace(message, mask.hide(message))
    return text


def _messages(error: BaseException | None, depth: int = 0) -> Iterator[str]:
    """What an exception says, those that it comes from and those that it holds."""
    if error is None or depth > sys.getrecursionlimit() // 10:
        return
    said = [*getattr(error, "__notes__", ()), *_text_of(error)]
    yield from (one for one in said if isinstance(one, str) and one.strip())
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _messages(one, depth + 1)
    for one in {error.__cause__, error.__context__}:
        yield from _messages(one, depth + 1)


def _text_of(error: BaseException) -> list[str]:
    try:
        text = str(error)
    except Exception:  # a class of the user's whose own message fails
        return []
    # In a group, each line of it is shown behind a bar.
    return [text, *text.splitlines()]


def _after_ours(trace: TracebackType | None) -> TracebackType | None:
    first = trace
    while trace is not None and _is_ours(trace):
        trace = trace.tb_next
    return trace or first


def _is_ours(trace: TracebackType) -> bool:
    name = str(trace.tb_frame.f_globals.get("__name__", ""))
    return name.partition(".")[0] in (*OUR_PACKAGES, "contextlib")
