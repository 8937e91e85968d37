"""A worker's loop over many connections: who is answered when, and with whom."""

from __future__ import annotations

import json
import queue
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from handler.protocol.loaded_model import LoadedModel
from handler.protocol.own_connections_loop import LARGE_BYTES, TOGETHER_BYTES, OwnConnectionsLoop
from handler.protocol.wire_format import Reader
from tests.serving.backend import pipelines
from tests.serving.backend.frontend_messages import load_message, number, one_row, read_reply

SECONDS = 30
MEBIBYTE = 1024 * 1024
# A row that begins with this is answered with very many bytes.
MUCH = 5000
MUCH_BYTES = 50 * MEBIBYTE


def predict_fn(data: Any, model: Any, context: Any) -> Any:
    """Of a model that nobody knows: that it treats rows apart has to be said."""
    return model.predict(data)


predict_fn.batchable = True  # type: ignore[attr-defined]


class Gated:
    """A model that answers with a row's first number, when it is let to.

    Attributes:
        asked: for each prediction that has begun, the first number and how many rows there are.
        lets: what each prediction takes one of before it ends.
    """

    def __init__(self) -> None:
        self.asked: queue.Queue[tuple[float, int]] = queue.Queue()
        self.lets = threading.Semaphore(0)

    def predict(self, X: Any) -> Any:
        self.asked.put((X[0, 0], len(X)))
        assert self.lets.acquire(timeout=SECONDS)
        return X[:, 0]

    def let(self, times: int = 1) -> None:
        self.lets.release(times)


def output_fn(prediction: Any, accept: str) -> str:
    text = json.dumps(prediction.tolist())
    return text.rjust(MUCH_BYTES) if prediction[0] == MUCH else text


class Frontend:
    """One connection of the frontend to a worker."""

    def __init__(self, address: Path) -> None:
        self._channel = socket.socket(socket.AF_UNIX)
        self._channel.settimeout(SECONDS)
        self._channel.connect(str(address))

    def load(self) -> None:
        self.send(load_message(b"m", b"/m", b"h", b"s"))
        assert self._exactly(4) == number(200)
        self._exactly(int.from_bytes(self._exactly(4)) + 4)

    def ask(self, body: bytes) -> None:
        self.send(one_row(body))

    def send(self, data: bytes) -> None:
        self._channel.sendall(data)

    def answer(self) -> Any:
        """The body of the answer, read as JSON."""
        return json.loads(read_reply(self._exactly).body)

    def is_closed(self) -> bool:
        return self._channel.recv(1) == b""

    def close(self) -> None:
        self._channel.close()

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            received = self._channel.recv(min(size - len(data), MEBIBYTE))
            assert received
            data += received
        return bytes(data)


@dataclass
class Stage:
    """A worker at work on one model, and connections to it."""

    model: Gated
    address: Path
    frontends: list[Frontend] = field(default_factory=list)

    def connect(self, number: int) -> list[Frontend]:
        """More connections, to which the model is loaded."""
        fresh = [Frontend(self.address) for _ in range(number)]
        self.frontends += fresh
        for one in fresh:
            one.load()
        return fresh

    def next_asked(self) -> tuple[float, int]:
        """The prediction that begins next, when it has."""
        return self.model.asked.get(timeout=SECONDS)

    def make_busy(self) -> None:
        """Keep the worker at one prediction until it is let to end."""
        (one,) = self.connect(1)
        one.ask(b"0,0\n")
        assert self.next_asked() == (0, 1)


def until_deserted(worker: OwnConnectionsLoop) -> None:
    with suppress(SystemExit):
        worker.run()


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """A worker in a thread, which ends when its last connection does."""
    model = Gated()
    served = LoadedModel("m", folder)
    served.loaded(pipelines.around(model, output_fn=output_fn, predict_fn=predict_fn))
    model.let(2)
    served.answer([Reader().read(one_row())[0] for _ in range(2)])  # type: ignore[index]
    model.asked = queue.Queue()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "s"))
        listener.listen(64)
        listener.setblocking(False)
        worker = OwnConnectionsLoop(lambda served, connections: connections or sys.exit())
        worker.serve(served, listener)
        thread = threading.Thread(target=until_deserted, args=[worker])
        thread.start()
        stage = Stage(model, folder / "s")
        stage.connect(1)
        yield stage
        model.let(1000)
        for frontend in stage.frontends:
            frontend.close()
        thread.join(SECONDS)
        assert not thread.is_alive()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as one:
        yield one


def test_what_has_come_meanwhile_is_answered_together(stage: Stage) -> None:
    """Requests on many connections, one prediction, and to each its own answer."""
    frontends = stage.connect(20)
    stage.make_busy()
    for value, one in enumerate(frontends):
        one.ask(f"{value},0\n".encode())

    stage.model.let(2)

    assert stage.next_asked()[1] == 20
    assert [one.answer() for one in frontends] == [[value] for value in range(20)]


def large(value: int) -> bytes:
    """A body that is answered by itself."""
    return b"%d,0\n" % value * (LARGE_BYTES // 4)


def test_neither_small_nor_large_ones_starve(stage: Stage) -> None:
    """After what is small, one that is large, and then what is small again."""
    first, second, third, fourth, fifth = stage.connect(5)
    stage.make_busy()
    for value, one in ((101, first), (102, second), (103, third)):
        one.ask(large(value))
    fourth.ask(b"1,0\n")

    order = []
    for step in range(5):
        stage.model.let()
        order.append(stage.next_asked()[0])
        if step == 1:
            fifth.ask(b"2,0\n")
    stage.model.let()

    small = [order.index(1), order.index(2)]
    assert small == [0, 2]
    assert sorted(order) == [1, 2, 101, 102, 103]
    assert {one.answer()[0] for one in (first, second, third)} == {101, 102, 103}


def test_not_more_bytes_are_put_together_than_pay(stage: Stage) -> None:
    """Ten fill the measure; what is beyond it is answered in the next prediction."""
    body = b"1." + b"0" * (TOGETHER_BYTES // 10) + b",0\n"
    frontends = stage.connect(15)
    stage.make_busy()
    for one in frontends:
        one.ask(body)

    stage.model.let(3)

    assert [stage.next_asked()[1], stage.next_asked()[1]] == [10, 5]
    assert [one.answer() for one in frontends] == [[1]] * 15


def test_one_that_reads_slowly_keeps_nobody_waiting(stage: Stage) -> None:
    """An answer of many bytes waits for its reader; others are answered before, and after."""
    slow, other = stage.connect(2)
    stage.model.let(1000)
    slow.ask(f"{MUCH},0\n".encode())
    assert stage.next_asked() == (MUCH, 1)

    answers = []
    for value in range(10):
        other.ask(b"%d,0\n" % value)
        answers.append(other.answer())

    assert answers == [[value] for value in range(10)]
    assert slow.answer() == [MUCH]


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", b"L" + number(-3), b"I" + number(1) + b"\xff" * 9]
)
def test_what_is_no_message_ends_its_connection_alone(stage: Stage, garbage: bytes) -> None:
    """The other connections go on, as does the worker."""
    bad, good = stage.connect(2)
    stage.model.let(1000)

    bad.send(garbage)

    assert bad.is_closed()
    good.ask(b"7,0\n")
    assert good.answer() == [7]


def test_one_that_leaves_takes_nobody_along(stage: Stage) -> None:
    """A connection ends while its request waits, and another while it sends one."""
    leaving, sending, staying = stage.connect(3)
    stage.make_busy()
    leaving.ask(b"1,0\n")
    sending.send(one_row(b"2,0\n")[:-9])
    staying.ask(b"3,0\n")
    leaving.close()
    sending.close()

    stage.model.let(1000)

    assert staying.answer() == [3]
