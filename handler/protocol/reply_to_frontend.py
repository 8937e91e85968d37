"""Replies to the frontend: what user code set on its context goes along, where HTTP allows it."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from contract.errors import ModelAway, PredictionFailed
from handler.invocation.context import report, request_id_of
from handler.invocation.failure_log import log_failure, log_users_failure
from handler.invocation.invocation_progress import Invocation
from handler.invocation.payload_mask import PayloadMask
from handler.invocation.request_types import TOLD, Response, problem_response
from handler.protocol.wire_format import Invoke, invoke_reply

# What HTTP allows as a header's name, and as its value. The frontend sends one byte for each
# character, and a question mark for one that has no such byte.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TEXT = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# A line of the worker's output, which is UTF-8: no half of a surrogate pair.
_LINE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]*")


def not_there(message: Invoke, reason: str) -> list[bytes]:
    """The reply to an invocation of a model that can't be loaded again."""
    problem = ModelAway(f"the model can't be loaded again, which is tried on and on: {reason}")
    request_id = request_id_of(message.headers.by_name, message.request_id)
    log_failure(request_id, problem, problem)
    return _own_reply(message, problem_response(problem, request_id))


def reply_to(message: Invoke, invocation: Invocation, response: Response) -> list[bytes]:
    """The reply to an invocation: the response, with what user code set on the context.

    Whatever user code has made of its context, there is one: a process that ended by it would end
    for all that it answers.
    """
    try:
        return _reply(message, invocation, response)
    except Exception as error:
        problem = PredictionFailed("what is set on the context can't be sent")
        request_id = invocation.request.request_id
        stage = "the context, so that the answer can't be sent"
        log_failure(request_id, problem, error, stage, PayloadMask(invocation))
        return _own_reply(message, problem_response(problem, request_id))


def _reply(message: Invoke, invocation: Invocation, response: Response) -> list[bytes]:
    context = invocation.context
    content_type, status, reason = response.content_type, response.status, response.reason
    headers: dict[str, str] = {}
    if context is not None:
        report(response, context)
        status, reason = context.get_response_status(0)
        headers = dict(context.get_response_headers(0))
        measured = context.measured()
        fault = _fault(status, reason or "", headers, measured)
        if fault:
            return _refusal(message, invocation, fault)
        with contextlib.suppress(OSError):  # figures are nothing to fail by
            sys.stdout.writelines(f"[METRICS]{line}\n" for line in measured)
        content_type = headers.pop("content-type", content_type)  # it has a place of its own
    if status >= 400:
        if not response.is_told:
            log_users_failure(invocation.request.request_id, status)
        headers |= TOLD
    return invoke_reply(
        message.request_id, response.body, content_type, status, reason or "", headers
    )


def _fault(
    status: Any, reason: Any, headers: Mapping[Any, Any], measured: Sequence[str]
) -> str | None:
    """What user code told its context that no answer can say; the frontend would never answer."""
    if not (isinstance(status, int) and 200 <= status <= 599):
        return f"the response status {status!r}"
    if not (isinstance(reason, str) and _TEXT.fullmatch(reason)):
        return f"the response status's phrase {reason!r}"
    for name, value in headers.items():
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            return f"the response header {name!r}"
        if not (isinstance(value, str) and _TEXT.fullmatch(value)):
            return f"the response header {name}: {value!r}"
    for line in measured:
        if not _LINE.fullmatch(line):
            return f"the metric {line!r}"
    return None


def _refusal(message: Invoke, invocation: Invocation, fault: str) -> list[bytes]:
    problem = PredictionFailed(f"{fault} is set on the context, which HTTP does not allow")
    request_id = invocation.request.request_id
    log_failure(request_id, problem, problem, mask=PayloadMask(invocation))
    return _own_reply(message, problem_response(problem, request_id))


def _own_reply(message: Invoke, said: Response) -> list[bytes]:
    return invoke_reply(
        message.request_id, said.body, said.content_type, said.status, said.reason, TOLD
    )
