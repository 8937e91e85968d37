"""Replies to the frontend: what user code set on its context goes along, where HTTP allows it."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

from contract.errors import PredictionFailed
from handler.invocation.context import report
from handler.invocation.invocation_progress import Invocation
from handler.invocation.request_types import Response, problem_response
from handler.protocol.wire_format import Invoke, invoke_reply

logger = logging.getLogger(__name__)

# What HTTP allows as a header's name, and as its value.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TEXT = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


def reply_to(message: Invoke, invocation: Invocation, response: Response) -> list[bytes]:
    """The reply to an invocation: the response, with what user code set on the context."""
    context = invocation.context
    content_type, status, reason = response.content_type, response.status, response.reason
    headers: dict[str, str] = {}
    if context is not None:
        report(response, context)
        status, reason = context.get_response_status(0)
        headers = dict(context.get_response_headers(0))
        for line in context.measured():
            sys.stdout.write(f"[METRICS]{line}\n")
        fault = _fault(status, reason or "", headers)
        if fault:
            return _refusal(message, fault)
        content_type = headers.pop("content-type", content_type)  # it has a place of its own
    return invoke_reply(
        message.request_id, response.body, content_type, status, reason or "", headers
    )


def _fault(status: Any, reason: Any, headers: Mapping[Any, Any]) -> str | None:
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
    return None


def _refusal(message: Invoke, fault: str) -> list[bytes]:
    problem = PredictionFailed(f"{fault} is set on the context, which HTTP does not allow")
    logger.error("[%s] %s", message.request_id, problem.detail)
    return _own_reply(message, problem_response(problem, message.request_id))


def _own_reply(message: Invoke, said: Response) -> list[bytes]:
    return invoke_reply(
        message.request_id, said.body, said.content_type, said.status, said.reason, {}
    )
