"""A model as a worker serves it: the frontend's messages in, replies out."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contract.errors import PredictionFailed
from handler.invocation.batching import Batcher
from handler.invocation.context import InvocationContext, report, request_of
from handler.invocation.pipeline import Invocation, Pipeline
from handler.invocation.request_response import Response, problem_response, stopping_response
from handler.protocol import wire_format

logger = logging.getLogger("byo")

OK = 200
# What HTTP allows as a header's name, and as its value.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TEXT = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


class Served:
    """One model: loading, loaded, or failed to load.

    Args:
        name: the model's name.
        model_dir: its folder.
    """

    def __init__(self, name: str, model_dir: Path) -> None:
        self.name = name
        self.model_dir = model_dir
        self._batcher: Batcher | None = None
        self._with_context = False
        self._outcome: tuple[int, str] | None = None

    def loaded(self, pipeline: Pipeline) -> None:
        """The model is there: invocations can be answered."""
        self._batcher = Batcher(pipeline)
        self._with_context = bool(pipeline.user.names())
        self._outcome = (OK, f"loaded model {self.name}.")

    def failed(self, status: int, reason: str) -> None:
        """The model can't be loaded: that is what the frontend is told."""
        self._outcome = (status, reason)

    @property
    def is_refused(self) -> bool:
        """Whether the frontend is to be told that the model can't be loaded."""
        return self._outcome is not None and self._outcome[0] != OK

    @property
    def load_reply(self) -> list[bytes] | None:
        """The answer to a request to load; None as long as it is not known."""
        if self._outcome is None:
            return None
        status, message = self._outcome
        return [wire_format.load_reply(status, message, os.getpid())]

    def answer(self, messages: Sequence[wire_format.Invoke]) -> list[list[bytes]]:
        """The reply to each invocation.

        Raises:
            RuntimeError: the model is not loaded; the frontend does not ask before it is.
        """
        if self._batcher is None:
            raise RuntimeError(f"an invocation came before the model {self.name!r} was loaded")
        invocations = [self._invocation(message) for message in messages]
        responses = self._batcher.answer(invocations)
        return [
            _reply(message, invocation, response)
            for message, invocation, response in zip(messages, invocations, responses, strict=True)
        ]

    def _invocation(self, message: wire_format.Invoke) -> Invocation:
        request = request_of(message.parts, message.headers.by_name, message.request_id)
        if not self._with_context:
            return Invocation(request)
        context = InvocationContext(self.name, self.model_dir, message.request_id, message.headers)
        return Invocation(request, context)


def turned_away(message: wire_format.Invoke) -> list[bytes]:
    """The reply to an invocation that comes when the server takes no more."""
    return _own_reply(message, stopping_response(message.request_id))


def _reply(message: wire_format.Invoke, invocation: Invocation, response: Response) -> list[bytes]:
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
    return wire_format.invoke_reply(
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


def _refusal(message: wire_format.Invoke, fault: str) -> list[bytes]:
    problem = PredictionFailed(f"{fault} is set on the context, which HTTP does not allow")
    logger.error("[%s] %s", message.request_id, problem.detail)
    return _own_reply(message, problem_response(problem, message.request_id))


def _own_reply(message: wire_format.Invoke, said: Response) -> list[bytes]:
    return wire_format.invoke_reply(
        message.request_id, said.body, said.content_type, said.status, said.reason, {}
    )
