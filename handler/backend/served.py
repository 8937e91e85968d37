"""A model as a worker serves it: the frontend's messages in, replies out."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from handler.backend import wire
from handler.batching import Batcher
from handler.context import InvocationContext, report, request_of
from handler.messages import Response
from handler.pipeline import Invocation, Pipeline

OK = 200


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
        return [wire.load_reply(status, message, os.getpid())]

    def answer(self, messages: Sequence[wire.Invoke]) -> list[list[bytes]]:
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

    def _invocation(self, message: wire.Invoke) -> Invocation:
        request = request_of(message.parts, message.headers.by_name, message.request_id)
        if not self._with_context:
            return Invocation(request)
        context = InvocationContext(self.name, self.model_dir, message.request_id, message.headers)
        return Invocation(request, context)


def _reply(message: wire.Invoke, invocation: Invocation, response: Response) -> list[bytes]:
    context = invocation.context
    content_type, status, reason = response.content_type, response.status, response.reason
    headers = {"content-type": content_type}
    if context is not None:
        report(response, context)
        content_type = context.get_response_content_type(0)
        status, reason = context.get_response_status(0)
        headers = context.get_response_headers(0)
        for line in context.measured():
            sys.stdout.write(f"[METRICS]{line}\n")
    return wire.invoke_reply(
        message.request_id, response.body, content_type, status, reason or "", headers
    )
