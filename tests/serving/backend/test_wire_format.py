"""The wire format against multi-model-server's own Python implementation of it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mms.context import Context, RequestProcessor
from mms.protocol import otf_message_handler as theirs
from mms.service import Service

from handler.protocol.wire_format import (
    Incomplete,
    Load,
    Reader,
    WireError,
    invoke_reply,
    load_reply,
)
from tests.serving.backend.frontend_messages import invoke_message, load_message, number, one_row

texts = st.text(max_size=12)
names = texts.map(str.encode)
requests = st.tuples(
    names,
    st.lists(st.tuples(names, names), max_size=4),
    st.lists(st.tuples(names, names, st.binary(max_size=40)), max_size=4),
)
integers = st.integers(-(2**31), 2**31 - 1)


@pytest.fixture(autouse=True, scope="module")
def bodies_as_they_are() -> Iterator[None]:
    """As `serve` sets it, so that their reader hands bodies over as bytes, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMS_DECODE_INPUT_REQUEST", "false")
        yield


def read_by_them(message: bytes) -> Any:
    """What their reader gets from a socket that this message comes through."""
    sending, receiving = socket.socketpair()
    with sending, receiving:
        sending.sendall(message)
        _, read = theirs.retrieve_msg(receiving)
    return read


@settings(deadline=None, max_examples=100)
@given(names, names, names, names, integers, integers)
def test_a_load_means_what_it_means_to_them(
    model: bytes, path: bytes, handler: bytes, stream: bytes, batch: int, gpu: int
) -> None:
    """Model, path and stream are theirs, whatever the rest says."""
    message = load_message(model, path, handler, stream, batch, gpu)

    ours = Reader().read(message)

    read = read_by_them(message)
    named = [read[key].decode() for key in ("modelName", "modelPath", "ioFileDescriptor")]
    assert ours == Load(*named)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.lists(requests, max_size=3), min_size=1, max_size=3))
def test_invocations_mean_what_they_mean_to_them(messages: list[list[Any]]) -> None:
    """Ids, headers and parts are what their service hands on, message after message."""
    reader = Reader()
    for requests in messages:
        message = invoke_message(requests)

        ours = reader.read(message)

        processors, parts, ids = Service.retrieve_data_for_inference(read_by_them(message))
        assert isinstance(ours, list)
        assert [one.request_id for one in ours] == list(ids.values())
        assert [dict(one.parts) for one in ours] == parts
        for one, processor in zip(ours, processors, strict=True):
            # They put the types of the parts among the headers, by the names of the parts.
            theirs = processor.get_request_properties()
            assert {k: v for k, v in theirs.items() if isinstance(v, str)} == one.headers


ascii_texts = st.text(st.characters(codec="ascii"), max_size=12)


@settings(deadline=None, max_examples=100)
@given(
    texts,
    st.binary(max_size=60),
    ascii_texts,
    integers,
    ascii_texts,
    st.dictionaries(texts, texts, max_size=4),
)
def test_a_reply_is_theirs_byte_for_byte(
    request_id: str, body: bytes, media: str, status: int, reason: str, headers: dict[str, str]
) -> None:
    """One invocation's reply, with a status, a phrase and headers of its own."""
    context = Context("model", "/model", None, 1, None, "1.1.11")
    context.request_processor = [RequestProcessor({})]
    for name, value in headers.items():
        context.set_response_header(0, name, value)
    context.set_response_content_type(0, media)
    context.set_response_status(status, reason, 0)

    pieces = invoke_reply(request_id, body, media, status, reason, context.get_response_headers(0))

    # A text that the frontend ignores, so that its reads end where its decoder can take it.
    (padding,) = struct.unpack_from("!i", pieces[0], 4)
    text = "\0" * padding
    expected = theirs.create_predict_response([body], {0: request_id}, text, 200, context)
    assert b"".join(pieces) == expected


@settings(deadline=None, max_examples=100)
@given(integers, texts, st.integers(1, 2**22))
def test_a_reply_to_a_load_is_theirs_byte_for_byte(status: int, message: str, pid: int) -> None:
    """Their own message ends in the process id as well."""
    expected = theirs.create_load_model_response(status, f"{message} [PID]:{pid}")

    assert load_reply(status, message, pid) == expected


def lacking(message: bytes | bytearray) -> int:
    """How many bytes more a reader wishes for; 1 where it takes or refuses what there is."""
    try:
        Reader().read(message)
    except Incomplete as incomplete:
        return incomplete.needed - len(message)
    except WireError:
        pass
    return 1


@settings(deadline=None, max_examples=100)
@given(st.binary(min_size=1, max_size=80), st.booleans())
def test_bytes_that_are_no_message_are_refused(garbage: bytes, as_buffer: bool) -> None:
    """Nothing but a message, a wish for more bytes than there are, or a WireError comes of them."""
    assert lacking(bytearray(garbage) if as_buffer else garbage) > 0


@settings(deadline=None, max_examples=100)
@given(st.data(), requests)
def test_a_damaged_message_is_refused(data: st.DataObject, request_: Any) -> None:
    """One byte changed: it may still be a message, but it never breaks the reader."""
    message = bytearray(invoke_message([request_]))
    message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))

    assert lacking(message) > 0


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (b"X", "unknown command 88"),
        (one_row() + b"!", "1 bytes after the end"),
        (b"L" + number(-2), "a length of -2"),
        (b"I" + number(-7), "a length of -7"),
        (b"L" + number(1) + b"\xff" + number(0) * 6, "a text that is none"),
        (invoke_message([(b"\xff", [], [])]), "a text that is none"),
    ],
)
def test_what_is_wrong_with_a_message_is_said(message: bytes, complaint: str) -> None:
    """A WireError names it."""
    with pytest.raises(WireError, match=complaint):
        Reader().read(message)
