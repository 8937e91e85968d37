"""The context that multi-model-server hands to user functions; the only file that knows one."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import mms
from mms.context import Context, RequestProcessor
from mms.metrics.metrics_store import MetricsStore

from handler.invocation.request_types import Request, Response

REQUEST_ID_HEADER = "x-request-id"
TARGET_MODEL_HEADER = "x-amzn-sagemaker-target-model"


class SentHeaders(dict[str, str]):
    """A request's headers as they were sent, found by a name in any case."""

    def get(self, name: Any, default: Any = None) -> Any:
        """The header's value: its parameters and weights among it."""
        if name in self:
            return self[name]
        wanted = str(name).lower()
        return next((self[one] for one in self if one.lower() == wanted), default)


class ModelContext(Context):  # type: ignore[misc]  # mms has no types
    """What user functions get to see while their model loads."""

    def __init__(self, model: str, model_dir: Path, workers: int = 1) -> None:
        super().__init__(model, str(model_dir), None, workers, None, mms.__version__)


class InvocationContext(ModelContext):
    """What user functions get to see of one invocation, and what they can set of its answer."""

    def __init__(
        self, model: str, model_dir: Path, request_id: str, headers: Mapping[str, str]
    ) -> None:
        super().__init__(model, model_dir)
        self.request_ids = {0: request_id}
        self.request_processor = [RequestProcessor(SentHeaders(headers))]
        self._store: Any = None

    @property
    def metrics(self) -> Any:
        """Where user functions count and time; made when it is first asked for."""
        if self._store is None:
            self._store = MetricsStore(self.request_ids, self.model_name)
        return self._store

    @property
    def figures(self) -> list[Any]:
        """What user functions measured."""
        return self._store.store if self._store else []

    def measured(self) -> list[str]:
        """What user functions measured, as the frontend reads it from a worker's output."""
        return [str(one) for one in self._store.store] if self._store else []


def request_id_of(headers: Mapping[str, str], request_id: str | None) -> str:
    """What an invocation is called in the log and in its answer.

    Args:
        headers: by lower-case name: where a client has named the invocation, the guard in front of
            the frontend has put that there.
        request_id: the frontend's name for it.
    """
    return headers.get(REQUEST_ID_HEADER) or request_id or "-"


def request_of(
    parts: Mapping[str, Any], headers: Mapping[str, str], request_id: str | None
) -> Request:
    """One invocation as the frontend gives it to a worker.

    Args:
        parts: the payloads by name; a body that is one payload is named "body", and a form is
            taken apart into its fields.
        headers: the request's headers, by lower-case name.
        request_id: the frontend's name for it.
    """
    body = parts.get("body", b"")
    return Request(
        body=body if isinstance(body, bytes) else _bytes_of(body),
        content_type=headers.get("content-type"),
        accept=headers.get("accept"),
        content_encoding=headers.get("content-encoding"),
        request_id=request_id_of(headers, request_id),
        target_model=headers.get(TARGET_MODEL_HEADER),
    )


def report(response: Response, context: Any, index: int = 0) -> None:
    """Set status and content type, but for what user code set through the context itself."""
    well = response.status == HTTPStatus.OK
    if not (well and context.get_response_content_type(index)):
        context.set_response_content_type(index, response.content_type)
    set_status, _ = context.get_response_status(index)
    if not (well and set_status != HTTPStatus.OK):
        context.set_response_status(response.status, response.reason, index)


def _bytes_of(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)
