"""SIGTERM of a server whose clients never pause: it ends, and breaks off nothing it has begun."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from byo.endpoint import serving_environ
from handler.serve.pick_free_port import free_port
from tests.serving.conftest import DEADLINE, Tree, make_tree, save_positional, survivors
from tests.serving.test_misbehaviour import wait_until

pytestmark = pytest.mark.slow

CLIENTS = 8
# What the frontend, while it ends, says of an invocation whose worker it has ended; a client that
# is quick may still get another answer after that, from another worker.
ENDED = {"code": 500, "type": "InternalServerException", "message": "Worker died."}
Answer = tuple[int, bytes]
STOPPING = {"status": 503, "detail": "the server is stopping"}


@dataclass
class Serving:
    """A server as a process of this one, which can be asked how it ended."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def ask(self, body: str, answers: list[Answer], times: int = 1) -> None:
        """Ask so often, one after the other, on one connection."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)) as one:
            for _ in range(times):
                one.request("POST", "/invocations", body, {"Content-Type": "text/csv"})
                answer = one.getresponse()
                answers.append((answer.status, answer.read()))

    def logged(self, text: str) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return text in self.log.read_text()


@dataclass
class Restless:
    """A client that asks again as soon as it has been answered, until it can't."""

    serving: Serving
    answers: list[Answer] = field(default_factory=list)
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        with suppress(OSError, http.client.HTTPException):  # the server has gone
            self.serving.ask("alive", self.answers, sys.maxsize)

    def refused(self) -> list[dict[str, object]]:
        """What it was answered but with 200, apart from the frontend's own end."""
        problems = [json.loads(body) for status, body in self.answers if status != 200]
        if ENDED in problems:
            problems.remove(ENDED)
        return problems


@contextmanager
def serving(tree: Tree, **settings: str) -> Iterator[Serving]:
    """A server that is ready; killed if it is still there at the end."""
    port, log = free_port(), tree.root / "serve.log"
    environ = serving_environ(tree.environ(), tree.paths, tree.algorithm, port) | settings
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "handler.serve.command"],
            env=environ,
            stdout=output,
            stderr=output,
        )
    one = Serving(process, port, log)
    try:
        wait_until(lambda: one.logged("ready on"), DEADLINE)
        yield one
    finally:
        process.kill()
        process.wait(DEADLINE)


@pytest.mark.parametrize("backend", ["own", "stock"])
def test_a_stop_under_clients_that_never_pause(tmp_path: Path, backend: str) -> None:
    """Exit code 0: what was under way is answered, and what comes late is refused."""
    tree = make_tree(tmp_path).inference("does_as_told.py")
    save_positional(tree.paths.model)
    slow: list[Answer] = []
    with serving(tree, MODEL_SERVER_WORKERS="2", BYO_BACKEND=backend) as one:
        clients = [Restless(one) for _ in range(CLIENTS)]
        wait_until(lambda: all(client.answers for client in clients), DEADLINE)
        asking = threading.Thread(target=one.ask, args=("slower", slow))
        asking.start()
        wait_until(lambda: one.logged("slower begins"), DEADLINE)

        one.process.send_signal(signal.SIGTERM)

        assert one.process.wait(DEADLINE) == 0
        for thread in (asking, *(client.thread for client in clients)):
            thread.join(DEADLINE)
            assert not thread.is_alive()
    assert [status for status, _ in slow] == [200]
    refused = [problem for client in clients for problem in client.refused()]
    assert refused
    assert [problem for problem in refused if not STOPPING.items() <= problem.items()] == []
    assert survivors(tree) == []
