"""A server of one of the stacks, started and surely stopped."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.models import Model
from benchmarks.process_memory import left_of
from benchmarks.stacks.stack import ADDRESS, Stack, Task
from byo.child_processes import child
from byo.command_errors import EndpointFailed, RequestFailed
from byo.endpoint import Client, Response
from contract import Paths
from handler.serve.pick_free_port import free_port

START_SECONDS = 120.0
RETRY_SECONDS = 0.005
END_SECONDS = 10.0
# A user's own settings must not decide what is measured.
PASSED_ON = ("PATH", "LANG", "JAVA_HOME")


class StackFailed(Exception):
    """A server did not start, did not answer rightly, or left something behind."""


@dataclass(frozen=True)
class Server:
    """A stack's server that has answered.

    Args:
        stack: what it is a server of.
        port: where it listens.
        pid: the process that was started.
        started: seconds from its start to its first answered invocation, or ping of no model.
        log: what it has printed.
    """

    stack: Stack
    port: int
    pid: int
    started: float
    log: Path

    def client(self) -> Client:
        return _client(self.port)


@contextmanager
def running(
    stack: Stack,
    model: Model,
    settings: Mapping[str, str] | None = None,
    *,
    multi_model: bool = False,
) -> Iterator[Server]:
    """A server, from its first answer until the block ends; nothing of it is left then.

    Args:
        stack: what to start.
        model: what to serve and to ask first; with multi_model, nothing is served yet.
        settings: more variables of its environment.
        multi_model: whether to start with no model.

    Raises:
        StackFailed: it did not come to answer, or something is left.
    """
    with tempfile.TemporaryDirectory(prefix="byo-bench-") as name:
        scratch = Path(name)
        task = Task(_tree(stack, model, scratch), free_port(), scratch, cores(), multi_model)
        log = scratch / "server.log"
        command, environ = stack.command(task), _environ(stack, task, settings or {})
        start = time.monotonic()
        with log.open("wb") as output, child(command, environ, stdout=output) as process:
            try:
                _await_answer(task, model, process)
            except StackFailed as failure:
                raise StackFailed(f"{stack.label}: {failure}; it said: {_end_of(log)}") from None
            yield Server(stack, task.port, process.pid, time.monotonic() - start, log)
        if left := left_of(scratch, END_SECONDS):
            raise StackFailed(f"{stack.label} left processes behind: {', '.join(left)}")


def _tree(stack: Stack, model: Model, scratch: Path) -> Paths:
    """The model's own tree, or one with what this stack needs beside a model: no other sees it."""
    if stack.finds_all_in(model.paths.model):
        return model.paths
    paths = Paths(scratch / "tree")
    paths.model.parent.mkdir()
    stack.complete(model.copy(paths.model))
    return paths


def cores() -> int:
    """The CPUs that this process may use, and so a server."""
    return len(os.sched_getaffinity(0))


def _environ(stack: Stack, task: Task, settings: Mapping[str, str]) -> dict[str, str]:
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    scratch = dict.fromkeys(("BENCHMARK_SCRATCH", "HOME", "TMPDIR"), str(task.scratch))
    return {**passed, **scratch, **stack.environ(task), **settings}


def _await_answer(task: Task, model: Model, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    last = "nothing listened"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StackFailed(f"the server ended with code {process.returncode}")
        with suppress(EndpointFailed), _client(task.port) as client:
            answer = _first(client, task, model)
            if answer.ok:
                return
            last = answer.failure()
        time.sleep(RETRY_SECONDS)
    raise StackFailed(f"no answer within {START_SECONDS:g} s: {last}")


def _first(client: Client, task: Task, model: Model) -> Response:
    if task.multi_model:
        return client.ping()
    try:
        answer = client.invoke(model.bodies[0].encode(), "text/csv", "text/csv")
    except RequestFailed as failure:
        raise StackFailed(str(failure)) from None
    if answer.ok and answer.body.strip() != model.answers[0].encode():
        raise StackFailed(f"{answer.body[:80]!r} is not the right answer, {model.answers[0]}")
    return answer


def _client(port: int) -> Client:
    return Client(f"http://{ADDRESS}:{port}", START_SECONDS)


def _end_of(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return " / ".join([line.strip() for line in lines if line.strip()][-3:]) or "nothing"
