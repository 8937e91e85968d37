"""Random kills under load: each answer is the caller's own, and when it is over all is well."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from byo.command_errors import RunFailed
from tests.serving.backend.conftest import Observed, observed
from tests.serving.backend.processes import eventually

pytestmark = pytest.mark.slow

KILLS = 20
CLIENTS = 8
MODELS = 5


def victims(one: Observed, kill: int) -> list[psutil.Process]:
    """All processes that may die without the server.

    The frontend tries again after ever longer pauses, so the fork server is killed only at times.
    What a model's own code has started is left alone: to take note of its end is that code's part.
    """
    hosts = one.processes.hosts()
    below = [worker for host in hosts for worker in one.processes.workers_below(host)]
    fork_server = [one.processes.fork_server()] if kill % 10 == 5 else []
    return fork_server or [*hosts, *below, *one.processes.launchers()]


def ask_until(
    one: Observed, models: list[Path], over: threading.Event, client: int
) -> Counter[int]:
    """Invoke models without a pause; the statuses."""
    statuses: Counter[int] = Counter()
    chosen, number = random.Random(client), 0
    while not over.is_set():
        number += 1
        said = f"{client} {number}"
        try:
            status, answer = one.invoke(chosen.choice(models), said, seconds=10)
        except RunFailed:  # a worker that took the request has died, and the frontend forgot it
            status, answer = 0, None
        statuses[status] += 1
        assert status != 200 or answer[1] == said
        over.wait(0.01)
    return statuses


@pytest.mark.timeout(300)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_random_kills_under_load(tmp_path: Path, workers: str) -> None:
    """Whatever was killed, in whatever order: all models answer, and nothing is left behind."""
    chance = random.Random(int(workers))
    over = threading.Event()
    with observed(tmp_path, multi_model=True, MODEL_SERVER_WORKERS=workers) as one:
        models = [one.model(f"model-{number}") for number in range(MODELS)]
        assert [one.load(model) for model in models] == [200] * MODELS
        with ThreadPoolExecutor(CLIENTS) as pool:
            asking = [pool.submit(ask_until, one, models, over, n) for n in range(CLIENTS)]
            try:
                for kill in range(KILLS):
                    with suppress(psutil.NoSuchProcess, StopIteration, IndexError, ValueError):
                        chance.choice(victims(one, kill)).kill()
                    over.wait(chance.uniform(0.1, 1.0))
            finally:
                over.set()
            statuses: Counter[int] = sum((one.result() for one in asking), Counter())

        assert statuses[200] > 0
        for model in models:
            assert one.answering(model)
        eventually(lambda: not one.processes.zombies())
