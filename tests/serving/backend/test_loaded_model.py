"""A model's replies, whatever user code does to them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handler.protocol.loaded_model import LoadedModel
from handler.protocol.wire_format import Reader
from tests.serving.backend import pipelines
from tests.serving.backend.frontend_messages import Reply, one_row, read_reply

Tell = Callable[[Any], None]


def reply_to(tell: Tell) -> Reply:
    """The reply of a model whose output_fn tells this to its context."""

    def output_fn(prediction: Any, accept: str, context: Any) -> Any:
        tell(context)
        return "well"

    served = LoadedModel("m", Path("/m"))
    model = pipelines.OF_NUMBERS["tree"]()
    served.loaded(pipelines.around(model, output_fn=output_fn))
    (message,) = Reader().read(one_row(b"1,2,3\n"))  # type: ignore[misc]
    (pieces,) = served.answer([message])
    return read_reply(io.BytesIO(b"".join(pieces)).read)


@pytest.mark.parametrize(
    ("tell", "status", "reason", "headers"),
    [
        (lambda context: None, 200, b"OK", {}),
        (lambda context: context.set_response_status(201, "Created"), 201, b"Created", {}),
        (lambda context: context.set_response_status(201), 201, b"", {}),
        (
            lambda context: context.set_response_header(0, "X-A", "größe\t1"),
            200,
            b"OK",
            {b"X-A": "größe\t1".encode()},
        ),
        (lambda context: context.set_response_header(0, "X-A", ""), 200, b"OK", {b"X-A": b""}),
    ],
)
def test_what_a_context_is_told_is_replied(
    tell: Tell, status: int, reason: bytes, headers: dict[bytes, bytes]
) -> None:
    """A status, a phrase, headers."""
    reply = reply_to(tell)

    assert (reply.status, reply.reason, reply.body) == (status, reason, b"well")
    assert reply.headers == headers
    assert reply.content_type == b"application/json"


@pytest.mark.parametrize(
    "tell",
    [
        lambda context: context.set_response_status("201", "Created"),
        lambda context: context.set_response_status(0, "Nothing"),
        lambda context: context.set_response_status(99999, "Too much"),
        lambda context: context.set_response_status(201, 5),
        lambda context: context.set_response_status(201, "two\nlines"),
        lambda context: context.set_response_header(0, "X-A", 3),
        lambda context: context.set_response_header(0, "X-A", None),
        lambda context: context.set_response_header(0, "X-A", "two\r\nlines"),
        lambda context: context.set_response_header(0, "X A", "a blank"),
        lambda context: context.set_response_header(0, "größe", "not ASCII"),
        lambda context: context.set_response_header(0, "", "no name"),
        lambda context: context.set_response_header(0, 7, "a number"),
        lambda context: context.set_response_content_type(0, "text/\nplain"),
        lambda context: context.set_response_header(0, "X-A", "half a pair \ud800"),
        lambda context: context.set_response_header(0, "X-A", "\udfff"),
        lambda context: context.set_response_header(0, "X-A", "a null \0"),
        lambda context: context.set_response_header(0, "X-A", "no byte: €"),
        lambda context: context.set_response_content_type(0, "text/\ud83d"),
        lambda context: context.set_response_content_type(0, "text/\0plain"),
        lambda context: context.set_response_status(201, "half \udc00"),
        lambda context: context.metrics.add_counter("half \ud800", 1),
        lambda context: context.metrics.add_counter("two\nlines", 1),
    ],
)
def test_what_http_does_not_allow_is_a_bug(tell: Tell) -> None:
    """The frontend would never answer, or the worker die of it: it is one invocation's 500."""
    reply = reply_to(tell)

    assert (reply.status, reply.content_type) == (500, b"application/problem+json")
    assert "which HTTP does not allow" in json.loads(reply.body)["detail"]


@pytest.mark.parametrize(
    "tell",
    [
        lambda context: setattr(context, "request_processor", None),
        lambda context: setattr(context, "request_processor", []),
        lambda context: setattr(context, "measured", None),
        lambda context: setattr(context, "get_response_status", lambda index: 200),
    ],
)
def test_a_context_that_is_broken_is_a_bug(
    tell: Tell, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever comes of it: the caller gets 500, and the log has the cause."""
    monkeypatch.setattr(logging.getLogger("handler"), "propagate", True)

    reply = reply_to(tell)

    assert (reply.status, reply.content_type) == (500, b"application/problem+json")
    assert "the answer can't be sent" in caplog.text
    assert "Traceback" in caplog.text
