"""Sending again, in order and together, to one server and to two."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from byo.command_errors import UsageError
from byo.recorded import Invocation, RecordedAnswer, Strictness, replay
from byo.recorded.replay import Replay
from handler.serve.pick_free_port import free_port
from tests.container_rules.stub_container import Asked, Reply, Stub, running

HEADERS = {"content-type": "text/csv", "accept": "text/csv"}


def invocations(count: int, answer: bytes = b"1\n") -> Iterator[Invocation]:
    for number in range(1, count + 1):
        given = RecordedAnswer(200, {"content-type": "text/csv"}, answer, 0.001)
        body = f"2,{number}\n".encode()
        yield Invocation(number, 0.0, "POST", "/invocations", HEADERS, body, given)


def how(url: str, url2: str | None = None, concurrency: int = 1) -> Replay:
    return Replay(url, url2, 20.0, concurrency, Strictness())


def test_the_same_answers_in_the_same_order() -> None:
    with running(Stub()) as stub:
        done = list(replay(invocations(5), how(stub.url)))

    assert [each.lines for each in done] == [()] * 5
    assert [each.body for each in stub.seen] == [b"2,%d\n" % n for n in range(1, 6)]
    assert stub.seen[0].headers["accept"] == "text/csv"


def test_another_answer_than_was_recorded() -> None:
    with running(Stub()) as stub:
        (done,) = replay(invocations(1, b"0\n"), how(stub.url))

    assert done.lines == ("body at [0][0]: 0 ≠ 1",)


def test_two_servers_are_compared_with_each_other() -> None:
    """What was recorded does not count then."""

    def other(_stub: Stub, asked: Asked) -> Reply | None:
        return Reply(200, b"7\n", "text/csv") if asked.body == b"2,2\n" else None

    with running(Stub()) as first, running(Stub(other)) as second:
        done = list(replay(invocations(3, b"never"), how(first.url, second.url)))

    assert [each.lines for each in done] == [(), ("body at [0][0]: 1 ≠ 7",), ()]


def test_several_are_under_way_together_and_told_in_order() -> None:
    """Each waits until as many as are wanted have come."""
    together = threading.Barrier(4)

    def waits(_stub: Stub, _asked: Asked) -> None:
        together.wait(20.0)

    with running(Stub(waits)) as stub:
        done = list(replay(invocations(12), how(stub.url, concurrency=4)))

    assert [each.invocation.number for each in done] == list(range(1, 13))
    assert {each.lines for each in done} == {()}


def test_no_answer_is_a_difference() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    (done,) = replay(invocations(1), how(url))

    assert done.second is None
    assert f"{url} gave no answer" in done.lines[0]


def test_a_connection_that_the_server_closed_is_opened_again() -> None:
    def closes(_stub: Stub, _asked: Asked) -> Reply:
        return Reply(200, b"1\n", "text/csv", close=True)

    with running(Stub(closes)) as stub:
        done = list(replay(invocations(3), how(stub.url)))

    assert {each.lines for each in done} == {()}


def test_a_url_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not an http or https URL"):
        list(replay(invocations(1), how("nowhere")))
