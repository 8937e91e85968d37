"""What a transport hands to the pipeline and gets from it: one request, one response."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.errors import InvocationError, reason_phrase

PROBLEM_TYPE = "application/problem+json"
# Goes with an answer whose failure is in the log by now: the guard in front of the frontend takes
# it off, and logs every other failure.
TOLD = {"x-byo-told": "yes"}


@dataclass(slots=True)  # not frozen: one is made for each invocation, in a third of the time
class Request:
    """One invocation.

    Args:
        body: the payload, as sent.
        content_type: the Content-Type header, or None.
        accept: the Accept header, or None.
        content_encoding: the Content-Encoding header, or None.
        request_id: what names this invocation in the log and in a problem.
        target_model: which of many models is asked, as the caller names it, or None.
    """

    body: bytes
    content_type: str | None = None
    accept: str | None = None
    content_encoding: str | None = None
    request_id: str = "-"
    target_model: str | None = None


@dataclass(frozen=True)
class Response:
    """What answers one invocation.

    Args:
        body, content_type, status: of the answer.
        is_told: whether the log says why it is a failure.
    """

    body: bytes
    content_type: str
    status: int = 200
    is_told: bool = False

    @property
    def reason(self) -> str:
        """The phrase that goes with the status."""
        return reason_phrase(self.status)


def problem_response(problem: InvocationError, request_id: str) -> Response:
    """An error as the response that tells the caller (RFC 9457)."""
    body = json.dumps(problem.to_problem(request_id), ensure_ascii=False).encode()
    return Response(body, PROBLEM_TYPE, problem.status, is_told=True)


def headers_of(raw: Mapping[Any, Any]) -> dict[str, str]:
    """Request headers by lower-case name, without what a transport put beside them."""
    return {str(name).lower(): value for name, value in raw.items() if isinstance(value, str)}
