"""One request and its answer: bounds, broken connections, and what is measured."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from byo.container_rules.exchange import Exchange, NoAnswer, Request
from tests.container_rules.stub_container import Asked, Reply, Stub, running

ASK = Request("POST", "/invocations", {"Content-Type": "text/csv"}, b"2,0\n")
OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def raw_server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does with each connection what it is told, until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    open_sockets: list[socket.socket] = []

    def serve() -> None:
        with suppress(OSError):  # it was closed: the test is over
            while True:
                connection, _ = listener.accept()
                open_sockets.append(connection)
                with suppress(OSError):
                    answer(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for each in open_sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        thread.join()
        for each in open_sockets:
            each.close()


def drip(head: bytes) -> Callable[[socket.socket], None]:
    """Send a byte each moment, for ever: each of them comes in time."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        pause = threading.Event()
        while not pause.wait(0.01):
            connection.sendall(b"x")

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        lambda connection: None,
        drip(b""),
        drip(OK + b"X-Long: "),
        drip(OK + b"Content-Length: 1000000\r\n\r\n"),
        drip(OK + b"Connection: close\r\n\r\n"),
    ],
    ids=["silence", "no status", "in the headers", "in the body", "a body without an end"],
)
def test_a_request_has_a_bound(answer: Callable[[socket.socket], None]) -> None:
    late = pytest.raises(NoAnswer, match=r"no whole answer within 0\.2 s")

    with raw_server(answer) as url, Exchange(url, 0.2) as exchange, late:
        exchange.ask(ASK)


@pytest.mark.parametrize(
    "said", [b"", OK[:9], OK + b"Content-Length: 9\r\n\r\nabc"], ids=["nothing", "head", "body"]
)
def test_an_answer_that_breaks_off_is_none(said: bytes) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(said)
        connection.shutdown(socket.SHUT_RDWR)

    broken = pytest.raises(NoAnswer, match="the connection broke")

    with raw_server(answer) as url, Exchange(url, 20.0) as exchange, broken:
        exchange.ask(ASK)


def test_an_answer_before_the_end_of_the_body_is_read() -> None:
    """As it is given to a body that is too large, by a server that then closes."""

    def answer(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    body = b"0" * 4_000_000
    with raw_server(answer) as url, Exchange(url, 20.0) as exchange:
        got = exchange.ask(Request("POST", "/invocations", {}, body))

    assert got.status == 413
    assert not got.kept


def test_a_connection_is_kept_and_measured_once() -> None:
    with running(Stub()) as stub, Exchange(stub.url, 20.0) as exchange:
        first, second = exchange.ask(ASK), exchange.ask(ASK)

    assert first.connect_seconds is not None
    assert second.connect_seconds is None
    assert first.kept
    assert second.body == b"1\n"


def test_a_connection_that_was_closed_is_opened_again() -> None:
    def closes(_: Stub, _asked: Asked) -> Reply:
        return Reply(200, b"1\n", close=True)

    with running(Stub(closes)) as stub, Exchange(stub.url, 20.0) as exchange:
        first, second = exchange.ask(ASK), exchange.ask(ASK)

    assert not first.kept
    assert second.connect_seconds is not None


def test_no_header_is_added() -> None:
    with running(Stub()) as stub, Exchange(stub.url, 20.0) as exchange:
        exchange.ask(Request("POST", "/invocations", {}, b"2,0\n"))
        exchange.ask(Request("GET", "/ping"))

    assert stub.seen[0].headers.keys() == {"host", "content-length"}
    assert stub.seen[1].headers.keys() == {"host"}


def test_what_may_come_before_each_path() -> None:
    with running(Stub()) as stub, Exchange(f"{stub.url}/stage/", 20.0) as exchange:
        answer = exchange.ask(Request("GET", "/ping"))

    assert stub.seen[0].path == "/stage/ping"
    assert answer.status == 404
