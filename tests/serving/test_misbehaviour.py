"""User code that misbehaves while it serves: what the caller sees, and that serving goes on."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.serving.backend.processes import eventually
from tests.serving.conftest import Server, make_tree, running, save_positional

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One worker that does as the body tells it, with a second for each invocation."""
    tree = make_tree(tmp_path_factory.mktemp("misbehaviour")).inference("does_as_told.py")
    save_positional(tree.paths.model)
    with running(tree, MODEL_SERVER_WORKERS="1", MODEL_SERVER_TIMEOUT="2") as one:
        yield one


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ("unreadable", 400, "ValueError: this is not what I read"),
        ("toolkit", 418, "no coffee here"),
        ("check", 422, "3 features"),
        ("bug", 500, "predict_fn raised KeyError"),
        ("exit", 500, "predict_fn raised SystemExit"),
        ("forever", 504, "longer than 2 s"),
        ("memory", 507, "not enough memory"),
    ],
)
def test_answers_by_whose_fault_it_is(server: Server, body: str, status: int, detail: str) -> None:
    """The status says who has to act; no detail of a bug reaches the caller; the worker lives."""
    alive = json.loads(server.post("alive").body)

    response = server.post(body)

    assert (response.status, detail in json.loads(response.body)["detail"]) == (status, True)
    assert b"secret" not in response.body
    assert json.loads(server.post("alive").body) == alive


def test_user_code_may_set_status_and_type_through_the_context(server: Server) -> None:
    """As under the toolkit: a status and a content type set on the context reach the client."""
    response = server.post("created")

    assert (response.status, response.content_type) == (201, "text/plain")


def test_a_worker_that_dies_is_replaced(server: Server) -> None:
    """The invocation is lost, and says so; the next one is answered by another process."""
    _, before = json.loads(server.post("alive").body)

    response = server.post("die")

    _, after = json.loads(server.post("alive").body)
    assert response.status == 500
    assert after != before


def test_a_stop_lets_what_is_under_way_end(tmp_path_factory: pytest.TempPathFactory) -> None:
    """SIGTERM while an invocation runs: it is answered before the server goes."""
    tree = make_tree(tmp_path_factory.mktemp("drain")).inference("does_as_told.py")
    save_positional(tree.paths.model)
    answers = []
    with running(tree, MODEL_SERVER_WORKERS="1") as one:
        supervisor = supervisor_of(one)
        asking = threading.Thread(target=lambda: answers.append(one.post("slow")))
        asking.start()
        while "slow begins" not in one.log.read_text():
            asking.join(0.02)
            assert asking.is_alive()

        os.kill(supervisor, signal.SIGTERM)

        asking.join(20)
    assert [answer.status for answer in answers] == [200]


def test_nothing_outlives_a_supervisor_that_is_killed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """SIGKILL of `serve`: the frontend, the workers and the scratch folder go with it."""
    tree = make_tree(tmp_path_factory.mktemp("killed")).inference("does_as_told.py")
    save_positional(tree.paths.model)
    temp = tree.root / "tmp"
    temp.mkdir()
    with running(tree, MODEL_SERVER_WORKERS="1", TMPDIR=str(temp)) as one:
        _, worker = json.loads(one.post("alive").body)
        pidfd = os.pidfd_open(worker)

        os.kill(supervisor_of(one), signal.SIGKILL)

        ended, _, _ = select.select([pidfd], [], [], 20)
        assert ended
        wait_until(lambda: not any(temp.iterdir()))


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def supervisor_of(server: Server) -> int:
    """The process id of `serve`, above the worker that answers."""
    _, pid = json.loads(server.post("alive").body)
    while b"handler.serve.command" not in Path(f"/proc/{pid}/cmdline").read_bytes():
        with Path(f"/proc/{pid}/stat").open() as stat:
            pid = int(stat.read().rsplit(")", 1)[1].split()[1])
    return int(pid)


@pytest.mark.parametrize(
    ("body", "cause"),
    [("bug", "500 KeyError: 'secret detail'"), ("exit", "500 SystemExit: 3")],
)
def test_the_log_names_the_mistake_and_its_line(server: Server, body: str, cause: str) -> None:
    """The line under the request's id has cause and place; the first frame is the user's own."""
    request_id = json.loads(server.post(body).body)["request_id"]

    def logged() -> list[str]:
        text = server.log.read_text(errors="replace")
        lines = text.partition(f"[{request_id}]")[2].splitlines()
        return [line for line in lines if "[access]" not in line]  # the frontend's own, in between

    eventually(lambda: len(logged()) > 4)
    lines = logged()
    assert re.fullmatch(rf" {cause} \(inference\.py:\d+\), in predict_fn", lines[0])
    assert "Traceback (most recent call last)" in lines[1]
    assert "inference.py" in lines[2]
    assert "has its traceback" not in "\n".join(lines[:6])
