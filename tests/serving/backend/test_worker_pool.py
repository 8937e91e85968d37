"""Several workers of one model: nobody waits for a busy one while another is idle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest

from byo.command_errors import RunFailed
from tests.serving.backend.conftest import Observed, observed
from tests.serving.backend.processes import eventually

pytestmark = pytest.mark.slow

WORKERS = 3
CLIENTS = 16
REQUESTS_EACH = 20
LARGE = 2 * 1024 * 1024


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """A single model with three workers."""
    with a_pool(tmp_path_factory.mktemp("pool"), timeout=60) as one:
        yield one


@pytest.fixture
def impatient_pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """The same, with little time for an invocation."""
    with a_pool(tmp_path_factory.mktemp("impatient"), timeout=5) as one:
        yield one


def a_pool(root: Path, timeout: int) -> AbstractContextManager[Observed]:
    settings = {"MODEL_SERVER_WORKERS": str(WORKERS), "MODEL_SERVER_TIMEOUT": str(timeout)}
    return observed(root, multi_model=False, fixture="takes_its_time.py", **settings)


def ask(pool: Observed, said: str) -> tuple[int, int | None]:
    """The status, and the process that answered."""
    with pool.client() as client:
        answer = client.request("POST", "/invocations", said.encode(), {"Content-Type": "text/csv"})
    return answer.status, json.loads(answer.body)[0]["pid"] if answer.status == 200 else None


def workers_of(pool: Observed) -> set[int]:
    return {one.pid for one in pool.processes.workers_of(pool.tree.paths.model)}


def waiting(gate: Path) -> set[int]:
    """The workers that wait at a gate."""
    return {int(one.suffix[1:]) for one in gate.parent.glob(f"{gate.name}.*")}


def ask_often(pool: Observed, said: str = "now") -> set[tuple[int, int | None]]:
    """What came of many requests, one after the other."""
    return {ask(pool, said) for _ in range(REQUESTS_EACH)}


def test_others_answer_while_all_but_one_are_busy(pool: Observed, tmp_path: Path) -> None:
    """Hundreds of others' requests are answered, on whichever connections they come."""
    gate = tmp_path / "gate"
    with ThreadPoolExecutor(CLIENTS + WORKERS) as clients:
        busy = [clients.submit(ask, pool, f"wait {gate}") for _ in range(WORKERS - 1)]
        eventually(lambda: len(waiting(gate)) == WORKERS - 1)

        others = [clients.submit(ask_often, pool) for _ in range(CLIENTS)]
        answers = set.union(*[one.result() for one in others])

        (idle,) = workers_of(pool) - waiting(gate)
        assert answers == {(200, idle)}
        assert not any(one.done() for one in busy)
        gate.touch()
        assert {one.result() for one in busy} == {(200, pid) for pid in waiting(gate)}


def test_large_bodies_pass_a_busy_worker_too(pool: Observed, tmp_path: Path) -> None:
    """They come in many pieces, all of which one worker reads."""
    gate = tmp_path / "gate"
    with ThreadPoolExecutor(CLIENTS) as clients:
        busy = [clients.submit(ask, pool, f"wait {gate}") for _ in range(WORKERS - 1)]
        eventually(lambda: len(waiting(gate)) == WORKERS - 1)

        said = "now " + "x" * LARGE
        others = [clients.submit(ask_often, pool, said) for _ in range(4)]
        answers = set.union(*[one.result() for one in others])

        (idle,) = workers_of(pool) - waiting(gate)
        assert answers == {(200, idle)}
        gate.touch()
        assert {one.result()[0] for one in busy} == {200}


def test_large_bodies_are_each_read_by_one_worker(pool: Observed) -> None:
    """Where several are idle: what one has begun to read is no other worker's."""
    said = "now " + "x" * LARGE
    with ThreadPoolExecutor(CLIENTS) as clients:
        asked = [clients.submit(ask_often, pool, said) for _ in range(CLIENTS // 2)]
        answers = set.union(*[one.result() for one in asked])

    assert {status for status, _ in answers} == {200}


def test_a_worker_that_dies_takes_only_its_own_along(pool: Observed, tmp_path: Path) -> None:
    """What other workers have begun is answered, and what comes meanwhile, too."""
    gate = tmp_path / "gate"
    with ThreadPoolExecutor(CLIENTS) as clients:
        busy = [clients.submit(ask, pool, f"wait {gate}") for _ in range(WORKERS - 1)]
        eventually(lambda: len(waiting(gate)) == WORKERS - 1)
        others = clients.submit(ask_often, pool)
        (victim,) = [
            one
            for one in pool.processes.workers_of(pool.tree.paths.model)
            if one.pid == min(waiting(gate))
        ]

        victim.kill()

        assert {status for status, _ in others.result()} == {200}
        gate.touch()
        assert sorted(one.result()[0] for one in busy) == [200, 500]
    eventually(lambda: len(workers_of(pool)) == WORKERS)


@pytest.mark.parametrize("misdeed", ["stop", "deaf"])
def test_a_worker_that_cannot_be_reached_is_replaced(
    impatient_pool: Observed, misdeed: str
) -> None:
    """One that stops itself, and one that masks the signals by which it would be ended."""
    pool = impatient_pool
    before = workers_of(pool)
    with ThreadPoolExecutor(2) as clients:
        lost = clients.submit(ask, pool, misdeed)
        while not lost.done():
            assert ask(pool, "now")[0] == 200
        with suppress(RunFailed):
            assert lost.result()[0] >= 500

    eventually(lambda: len(workers_of(pool) & before) == WORKERS - 1)
    eventually(lambda: len(workers_of(pool)) == WORKERS)
    assert {status for status, _ in ask_often(pool)} == {200}
