"""A connection's buffers: however a message comes in, it comes out whole, and so does a reply."""

from __future__ import annotations

import select
import socket
import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.protocol import wire_format
from handler.protocol.connection import CHUNK, Connection, Disconnected
from handler.protocol.wire_format import Reader, WireError
from tests.serving.backend.frontend_messages import invoke_message, load_message, one_row

MEBIBYTE = 1024 * 1024
SECONDS = 60

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """The frontend's end of a connection, and ours."""
    frontend, ours = socket.socketpair()
    with frontend, ours:
        frontend.settimeout(SECONDS)
        yield frontend, ours


def receive(connection: Connection, ours: socket.socket, wait: float = 0) -> Any:
    """What the connection gives as long as there is something to receive, as a worker asks it."""
    while select.select([ours], [], [], wait)[0]:
        message = connection.receive()
        if message is not None:
            return message
    return None


def delivered(message: bytes, cuts: Sequence[int]) -> list[Any]:
    """What the connection gives after each piece of a message that is cut at these places."""
    frontend, ours = socket.socketpair()
    with frontend, ours:
        connection = Connection(ours)
        given = []
        for start, end in zip([0, *cuts], [*cuts, len(message)], strict=True):
            frontend.sendall(message[start:end])
            given.append(receive(connection, ours))
        return given


bodies = st.integers(0, 3).flatmap(lambda n: st.binary(min_size=n, max_size=64 * n))
parts = st.tuples(st.sampled_from([b"body", b"a", b""]), st.just(b"text/csv"), bodies)
invocations = st.tuples(
    st.binary(max_size=4).map(bytes.hex).map(str.encode),
    st.lists(st.tuples(st.just(b"Accept"), st.just(b"*/*")), max_size=2),
    st.lists(parts, max_size=3),
)
messages = st.one_of(
    st.lists(invocations, max_size=3).map(invoke_message),
    st.just(load_message(b"m", b"/m", b"handler", b"stream")),
)


@settings(deadline=None, max_examples=100)
@given(st.data(), messages)
def test_however_a_message_is_cut_it_comes_out_once(data: st.DataObject, message: bytes) -> None:
    """Nothing is given before the last byte, and then the message that the bytes are."""
    places = st.integers(1, len(message) - 1)
    cuts = sorted(data.draw(st.sets(places, max_size=len(message) - 1)))

    given_at_each = delivered(message, cuts)

    assert given_at_each == [None] * len(cuts) + [Reader().read(message)]


def test_one_message_after_another(pair: Pair) -> None:
    """Nothing of a message stays behind to be taken for a part of the next."""
    frontend, ours = pair
    connection = Connection(ours)
    bodies = [b"a" * size for size in (0, 3 * CHUNK, 1, CHUNK, 2 * CHUNK, 5)]
    with ThreadPoolExecutor() as pool:
        for body in bodies:
            sending = pool.submit(frontend.sendall, one_row(body))

            message = receive(connection, ours, SECONDS)

            sending.result(SECONDS)
            assert message[0].parts == {"body": body}


def measured(message: bytes, pair: Pair) -> tuple[Any, int]:
    """What a message is read as, and the most memory on the way."""
    frontend, ours = pair
    connection = Connection(ours)
    with ThreadPoolExecutor() as pool:
        tracemalloc.start()
        sending = pool.submit(frontend.sendall, message)
        read = receive(connection, ours, SECONDS)
        sending.result(SECONDS)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return read, peak


def test_a_large_body_is_not_copied_again_and_again(pair: Pair) -> None:
    """It is in memory twice at most: as it came, and as it is handed on."""
    body = b"\xff" * (32 * MEBIBYTE)

    read, peak = measured(one_row(body), pair)

    assert read[0].parts["body"] == body
    assert peak < 2.2 * len(body)


@contextmanager
def calls(function: Any) -> Iterator[list[None]]:
    """How often a function is called meanwhile."""
    counted: list[None] = []

    def record(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code is function.__code__:
            counted.append(None)

    sys.setprofile(record)
    try:
        yield counted
    finally:
        sys.setprofile(None)


def test_a_form_of_many_fields_is_read_once() -> None:
    """Each field is looked at once, in however many pieces the form comes."""
    fields = [(b"field %d" % number, b"", b"\xff" * 20) for number in range(20_000)]
    message = invoke_message([(b"id", [], fields)])
    pieces = range(4096, len(message), 4096)

    with calls(wire_format._bytes) as counted:
        (read,) = [one for one in delivered(message, pieces) if one is not None]

    assert len(read[0].parts) == len(fields)
    assert len(counted) < 3 * len(fields) + 5 * len(pieces)


def test_a_large_reply_goes_out_in_pieces_of_itself(pair: Pair) -> None:
    """What the reader has no room for waits, uncopied, and nothing blocks meanwhile."""
    frontend, ours = pair
    body = bytes(range(256)) * (32 * 4096)
    connection = Connection(ours)
    tracemalloc.start()

    done = connection.send([b"head", body, b"tail"])

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    received = bytearray()
    assert not done
    while not done:
        received += frontend.recv(CHUNK)
        done = connection.flush()
    while len(received) < len(body) + 8:
        received += frontend.recv(CHUNK)
    assert received == b"head" + body + b"tail"
    assert peak < MEBIBYTE


@pytest.mark.parametrize("sent", [b"", one_row()[:10], one_row() * 2])
def test_an_end_is_told_wherever_it_comes(pair: Pair, sent: bytes) -> None:
    """The frontend goes: before a message, within one, or with more than one on its way."""
    frontend, ours = pair
    connection = Connection(ours)
    frontend.sendall(sent)
    frontend.close()

    with pytest.raises((Disconnected, WireError)):
        receive(connection, ours, SECONDS)


def test_a_reply_to_one_that_has_gone(pair: Pair) -> None:
    """Sending to a closed connection says so, and raises no signal."""
    frontend, ours = pair
    frontend.close()

    with pytest.raises(Disconnected):
        Connection(ours).send([b"reply"])
