"""What the log says of an invocation that failed: the cause and the user's line come first."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from contract.errors import InvocationError
from contract.user_module import describe

logger = logging.getLogger(__name__)

# Ours are in the way of whoever looks for a mistake of their own.
OUR_PACKAGES = ("handler", "contract")


def log_failure(
    request_id: str,
    problem: InvocationError,
    error: BaseException,
    stage: str,
    code: Sequence[Path],
) -> None:
    """Log a failed invocation: a line, and under it where a mistake of user code arose.

    Args:
        request_id: of the invocation.
        problem: what the caller is told.
        error: what was raised.
        stage: the function that was at work.
        code: the folders of user code: the innermost line in any of them is named.
    """
    if problem.status < 500:
        logger.info("[%s] %d %s", request_id, problem.status, problem.detail)
        return
    # Raised by ours on purpose, it says what there is to say, but for what it was raised for.
    cause = error.__cause__ if error is problem else error
    if cause is None:
        logger.error("[%s] %d %s", request_id, problem.status, problem.detail)
        return
    line = f"{describe(cause, *code)}, in {stage}"
    logger.error("[%s] %d %s\n%s", request_id, problem.status, line, _traceback(cause))


def _traceback(error: BaseException) -> str:
    """The traceback without our own frames before the first that is not ours."""
    shown = traceback.TracebackException(type(error), error, _after_ours(error.__traceback__))
    return "".join(shown.format()).rstrip()


def _after_ours(trace: TracebackType | None) -> TracebackType | None:
    first = trace
    while trace is not None and _is_ours(trace):
        trace = trace.tb_next
    return trace or first


def _is_ours(trace: TracebackType) -> bool:
    name = str(trace.tb_frame.f_globals.get("__name__", ""))
    return name.partition(".")[0] in (*OUR_PACKAGES, "contextlib")
