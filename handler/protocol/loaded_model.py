"""One model of a process: loading, loaded, or failed to load; answers the frontend's messages."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from contract.log_context import AT_WORK
from handler.invocation.batching import Batcher
from handler.invocation.context import InvocationContext, request_of
from handler.invocation.invocation_progress import Invocation
from handler.invocation.pipeline import Pipeline
from handler.invocation.request_types import Response
from handler.metrics.answered import Answered
from handler.metrics.model_record import record_of
from handler.metrics.stage_times import StageTimes
from handler.protocol import wire_format
from handler.protocol.reply_to_frontend import not_there, reply_to

OK = 200


class LoadedModel:
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
        self._away = ""
        self._is_noted = False

    def loaded(self, pipeline: Pipeline) -> None:
        """The model is there: invocations can be answered."""
        record = record_of(self.name)
        record.fields.is_loaded = 1  # in this process, which may be forked of one that loaded it
        traces = pipeline.settings.traces
        self._answered = Answered(self.name, traces=traces)
        self._batcher = Batcher(pipeline, StageTimes(record))
        self._away = ""
        self._with_context = bool(pipeline.user.names())
        self._is_noted = self._with_context or traces
        self._outcome = (OK, f"loaded model {self.name}.")

    def away(self, reason: str) -> None:
        """The model was lost, and can't be loaded again for now: that is what callers are told."""
        self._away = reason
        self._batcher = None
        self._outcome = (OK, f"model {self.name} is away.")

    def failed(self, status: int, reason: str) -> None:
        """The model can't be loaded: that is what the frontend is told."""
        self._outcome = (status, reason)

    @property
    def is_refused(self) -> bool:
        """Whether the frontend is to be told that the model can't be loaded."""
        return self._outcome is not None and self._outcome[0] != OK

    @property
    def answers_together(self) -> bool:
        """Whether several invocations may be answered by one prediction."""
        return self._batcher is not None and self._batcher.is_together

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
        if self._batcher is None and self._away:
            return [not_there(message, self._away) for message in messages]
        if self._batcher is None:
            raise RuntimeError(f"an invocation came before the model {self.name!r} was loaded")
        AT_WORK.model = self.name
        invocations = [self._invocation(message) for message in messages]
        responses = self._batcher.answer(invocations)
        answered = list(zip(messages, invocations, responses, strict=True))
        if self._is_noted:
            for one in answered:
                self._note(*one)
        return [reply_to(*one) for one in answered]

    def _invocation(self, message: wire_format.Invoke) -> Invocation:
        request = request_of(message.parts, message.headers.by_name, message.request_id)
        if not self._with_context:
            return Invocation(request, arrived_at=message.arrived_at)
        context = InvocationContext(self.name, self.model_dir, request.request_id, message.headers)
        return Invocation(request, context, arrived_at=message.arrived_at)

    def _note(
        self, message: wire_format.Invoke, invocation: Invocation, response: Response
    ) -> None:
        """Note what user code has measured, and make the spans."""
        context = invocation.context
        self._answered.note(
            invocation,
            context.figures if context is not None else (),
            message.headers.by_name,
            invocation.request.request_id,
            response.status,
        )
