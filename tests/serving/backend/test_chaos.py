"""Random kills under load: each answer is the caller's own, and when it is over all is well.

What is killed when is drawn from a seed, so that a run can be made again; who answers at that
moment is not.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from byo.command_errors import RunFailed
from tests.serving.backend.conftest import Observed, observed
from tests.serving.backend.processes import eventually

pytestmark = pytest.mark.slow

KILLS = 15
CLIENTS = 6
# Models that stay, and those that come and go.
MODELS = 4
GUESTS = 2

Find = Callable[[Observed], list[psutil.Process]]


def workers(one: Observed) -> list[psutil.Process]:
    """What answers below hosts. What user code has started is left alone: to take note of its end
    is that code's part.
    """
    return [
        worker for host in one.processes.hosts() for worker in one.processes.workers_below(host)
    ]


# All that may die without the server: hosts and launchers more often than the rest.
VICTIMS: dict[str, tuple[int, Find]] = {
    "host": (4, lambda one: one.processes.hosts()),
    "worker": (2, workers),
    "launcher": (3, lambda one: one.processes.launchers()),
    "fork server": (2, lambda one: [one.processes.fork_server()]),
    "standby": (1, lambda one: [one.processes.standby()]),
    "guard": (1, lambda one: [one.processes.guard()]),
    "several": (2, lambda one: [one.processes.fork_server(), *one.processes.launchers()]),
}
STOPPED = {"fork server", "standby", "guard", "host"}


def hit(one: Observed, chance: random.Random) -> None:
    """Kill something, or stop it, if there is such a thing at the moment."""
    kind = chance.choices(list(VICTIMS), [weight for weight, _ in VICTIMS.values()])[0]
    number, stops = chance.random(), kind in STOPPED and chance.random() < 0.2
    with suppress(psutil.Error, OSError, StopIteration, IndexError, ValueError):
        found = VICTIMS[kind][1](one)
        chosen = found if kind == "several" else [found[int(number * len(found))]]
        for process in chosen:
            process.suspend() if stops else process.kill()


def come_and_go(one: Observed, folder: Path, over: threading.Event, seed: int) -> Counter[int]:
    """LOAD and UNLOAD a model again and again; the statuses."""
    chance, statuses = random.Random(seed), Counter[int]()
    while not over.is_set():
        for ask in (one.load, one.unload):
            with suppress(RunFailed):
                statuses[ask(folder)] += 1
            over.wait(chance.uniform(0.0, 0.5))
    return statuses


def registered(one: Observed) -> set[str]:
    """The models that the frontend lists."""
    with one.client() as client:
        document = json.loads(client.request("GET", "/models?limit=100").body)
    return {model["modelName"] for model in document["models"]}


def is_well(one: Observed, folder: Path) -> bool:
    """Whether a model answers, or is registered no more."""
    if folder.name not in registered(one):
        return True
    with suppress(RunFailed):
        return one.invoke(folder, "still there", seconds=10)[0] == 200
    return False


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
@pytest.mark.parametrize(("seed", "workers"), [(1, "1"), (2, "2")])
def test_random_kills_under_load(tmp_path: Path, seed: int, workers: str) -> None:
    """Whatever was killed, in whatever order: each model answers or is gone, and can be loaded."""
    chance = random.Random(seed)
    over = threading.Event()
    with observed(tmp_path, multi_model=True, MODEL_SERVER_WORKERS=workers) as one:
        models = [one.model(f"model-{number}") for number in range(MODELS)]
        guests = [one.model(f"guest-{number}") for number in range(GUESTS)]
        assert [one.load(model) for model in models] == [200] * MODELS
        with ThreadPoolExecutor(CLIENTS + GUESTS) as pool:
            asking = [pool.submit(ask_until, one, models, over, n) for n in range(CLIENTS)]
            moving = [
                pool.submit(come_and_go, one, guest, over, seed + number)
                for number, guest in enumerate(guests)
            ]
            try:
                for _ in range(KILLS):
                    hit(one, chance)
                    over.wait(chance.uniform(0.05, 0.8))
            finally:
                over.set()
            statuses: Counter[int] = sum((each.result() for each in asking), Counter())
            moved: Counter[int] = sum((each.result() for each in moving), Counter())

        assert statuses[200] > 0
        assert moved[200] > 0
        for model in (*models, *guests):
            eventually(lambda model=model: is_well(one, model))  # type: ignore[misc]
        for model in (*models, *guests):
            if model.name not in registered(one):
                assert one.load(model) == 200
            assert one.answering(model)
        eventually(lambda: not one.processes.zombies())
