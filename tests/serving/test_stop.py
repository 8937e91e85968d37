"""SIGTERM of a server whose clients never pause: nothing that it has accepted is lost."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from byo.endpoint import serving_environ
from handler.serve.frontend_command import DRAIN_SECONDS
from handler.serve.pick_free_port import free_port
from tests.serving.conftest import DEADLINE, Tree, make_tree, save_positional, survivors
from tests.serving.test_misbehaviour import wait_until

pytestmark = pytest.mark.slow

CLIENTS = 32
# How many requests are answered before the stop comes.
WARM = 2000
# SageMaker kills a container so long after SIGTERM.
PLATFORM_SECONDS = 30
RETRY_SECONDS = 0.05


@dataclass
class Serving:
    """A server as a process of this one, which can be asked how it ended."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    path: str = "/invocations"

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)

    def ask(self, body: str) -> tuple[int, bytes]:
        with closing(self.connection()) as one:
            one.request("POST", self.path, body, {"Content-Type": "text/csv"})
            answer = one.getresponse()
            return answer.status, answer.read()

    def logged(self, text: str) -> bool:
        return text in self.log.read_text()

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None


@dataclass
class Restless:
    """A client that asks again as soon as it has been answered, and tries again only where its
    connection was refused; until the server has ended.

    Args:
        serving: whom to ask.
        keeps: whether it keeps its connection as long as the server does.
    """

    serving: Serving
    keeps: bool
    answered: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        with closing(self.serving.connection()) as one:
            while not self.serving.has_ended:
                if self._is_connected(one):
                    self._ask(one)

    def _is_connected(self, one: http.client.HTTPConnection) -> bool:
        if one.sock is None:
            try:
                one.connect()
            except ConnectionRefusedError:
                self.refused += 1
                time.sleep(RETRY_SECONDS)
                return False
        return True

    def _ask(self, one: http.client.HTTPConnection) -> None:
        try:
            one.request("POST", self.serving.path, "1,2", {"Content-Type": "text/csv"})
            answer = one.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.lost.append(repr(error))
            one.close()
            return
        self.answered += 1
        if answer.status != 200:
            self.lost.append(f"{answer.status} {body!r}")
        if not self.keeps:
            one.close()


@contextmanager
def serving(
    tree: Tree, *, multi_model: bool = False, terminal: int | None = None, **settings: str
) -> Iterator[Serving]:
    """A server that is ready; killed if it is still there at the end.

    Args:
        tree: the tree with its model.
        multi_model: whether it starts with no model.
        terminal: one that is to be the server's own, if any.
        settings: more variables of its environment.
    """
    port, log = free_port(), tree.root / "serve.log"
    environ = serving_environ(tree.environ(), tree.paths, tree.algorithm, port) | settings
    if multi_model:
        environ["SAGEMAKER_MULTI_MODEL"] = "true"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "handler.serve.command"],
            env=environ,
            stdin=terminal,
            stdout=output,
            stderr=output,
            start_new_session=terminal is not None,
            preexec_fn=None if terminal is None else take_terminal,
        )
    one = Serving(process, port, log)
    try:
        wait_until(lambda: one.logged("ready on"), DEADLINE)
        yield one
    finally:
        process.kill()
        process.wait(DEADLINE)


def take_terminal() -> None:
    """Called in the child: its standard input becomes the terminal that it belongs to."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextmanager
def joined(*threads: threading.Thread) -> Iterator[None]:
    """Threads that have to end soon after the block."""
    yield
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("backend", "multi_model"),
    [("own", False), ("own", True), ("shared", True), ("stock", False)],
)
def test_a_stop_loses_nothing_that_was_accepted(
    tmp_path: Path, backend: str, multi_model: bool
) -> None:
    """Clients that keep their connections and such that connect each time: all are answered."""
    tree = make_tree(tmp_path)
    save_positional(tree.paths.model)
    with serving(tree, multi_model=multi_model, BYO_BACKEND=backend) as one:
        if multi_model:
            load(one, "first", tree.paths.model)
        clients = [Restless(one, keeps=bool(number % 2)) for number in range(CLIENTS)]
        with joined(*(client.thread for client in clients)):
            wait_until(lambda: sum(client.answered for client in clients) > WARM, DEADLINE)

            one.process.send_signal(signal.SIGTERM)

            assert one.process.wait(PLATFORM_SECONDS) == 0
    assert [loss for client in clients for loss in client.lost] == []
    assert all(client.refused for client in clients)
    assert survivors(tree) == []


def load(one: Serving, name: str, folder: Path) -> None:
    with closing(one.connection()) as connection:
        connection.request("POST", f"/models?model_name={name}&url={folder}")
        assert connection.getresponse().status == 200
    one.path = f"/models/{name}/invoke"


def test_what_is_queued_at_a_stop_is_answered(tmp_path: Path) -> None:
    """Several that wait for one worker, which is at work: one after the other, then the end."""
    tree = make_tree(tmp_path).inference("does_as_told.py")
    save_positional(tree.paths.model)
    answers: list[tuple[int, bytes]] = []
    with serving(tree, MODEL_SERVER_WORKERS="1") as one:
        threads = [threading.Thread(target=lambda: answers.append(one.ask("slow"))) for _ in "1234"]
        with joined(*threads):
            for thread in threads:
                thread.start()
            wait_until(lambda: one.logged("slow begins"), DEADLINE)

            one.process.send_signal(signal.SIGTERM)

            assert one.process.wait(PLATFORM_SECONDS) == 0
    assert [status for status, _ in answers] == [200] * len(threads)


def test_an_answer_of_a_server_that_drains_closes_its_connection(tmp_path: Path) -> None:
    """So that a client knows that it has to go elsewhere."""
    tree = make_tree(tmp_path).inference("does_as_told.py")
    save_positional(tree.paths.model)
    with serving(tree, MODEL_SERVER_WORKERS="1") as one, closing(one.connection()) as connection:
        connection.request("POST", one.path, "slow", {"Content-Type": "text/csv"})
        wait_until(lambda: one.logged("slow begins"), DEADLINE)

        one.process.send_signal(signal.SIGTERM)

        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Connection")) == (200, "close")
        assert one.process.wait(PLATFORM_SECONDS) == 0


def test_connections_on_which_nothing_comes_do_not_put_the_end_off(tmp_path: Path) -> None:
    """One that was answered and rests, one that never sent anything."""
    tree = make_tree(tmp_path)
    save_positional(tree.paths.model)
    with (
        serving(tree) as one,
        closing(one.connection()) as rests,
        closing(one.connection()) as silent,
    ):
        silent.connect()
        rests.request("GET", "/ping")
        rests.getresponse().read()

        one.process.send_signal(signal.SIGTERM)

        assert one.process.wait(PLATFORM_SECONDS) == 0
        assert (rests.sock.recv(1), silent.sock.recv(1)) == (b"", b"")
        assert not one.logged("still under way")


def test_what_takes_longer_than_a_stop_may_is_answered_with_503(tmp_path: Path) -> None:
    """The end has a bound, and the log says what was not waited for."""
    tree = make_tree(tmp_path).inference("does_as_told.py")
    save_positional(tree.paths.model)
    answers: list[tuple[int, bytes]] = []
    with serving(tree, MODEL_SERVER_WORKERS="1") as one:
        thread = threading.Thread(target=lambda: answers.append(one.ask("forever")))
        with joined(thread):
            thread.start()
            wait_until(lambda: one.logged("forever begins"), DEADLINE)

            one.process.send_signal(signal.SIGTERM)

            assert one.process.wait(PLATFORM_SECONDS) == 0
    assert [status for status, _ in answers] == [503]
    assert json.loads(answers[0][1])["detail"] == "the server is stopping"
    assert one.logged(f"1 requests were still under way {DRAIN_SECONDS} s after the stop")
    assert survivors(tree) == []


def test_a_terminal_that_closes_is_a_stop(tmp_path: Path) -> None:
    """Its signal is the one that otherwise has models loaded anew."""
    tree = make_tree(tmp_path)
    save_positional(tree.paths.model)
    screen, terminal = pty.openpty()
    with serving(tree, terminal=terminal) as one:
        os.close(terminal)
        os.close(screen)

        assert one.process.wait(PLATFORM_SECONDS) == 0
    assert one.logged("stopping on SIGHUP")
    assert survivors(tree) == []
