"""The cache in front of the real `serve`: what is stubbed elsewhere is so there too."""

from __future__ import annotations

import asyncio
import io
import json
import os
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.dummy import DummyRegressor

from byo.algorithm_folder import Algorithm
from byo.endpoint.local_endpoint import local_endpoint
from byo.runtime.models import ModelCache, ModelLoadFailed, ModelState, container_memory
from byo.served_container import Answer, Connections, running, start_serve
from contract.paths import Paths
from tests.runtime_models.places import CountingStore, archive, cache_of, settled

pytestmark = pytest.mark.slow

CSV = ((b"content-type", b"text/csv"), (b"accept", b"application/json"))
SECONDS = 60.0
# The server takes some 250 MB without models, and each of the 12 models 12.
BUDGET = 360 * 1024 * 1024


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Paths, Algorithm]:
    """A tree without a model, and an algorithm without functions."""
    base = tmp_path_factory.mktemp("server")
    (base / "algorithm").mkdir()
    (base / "ml" / "model").mkdir(parents=True)
    return Paths(base / "ml"), Algorithm(base / "algorithm")


@pytest.fixture(scope="module")
def url(place: tuple[Paths, Algorithm]) -> Iterator[str]:
    """The address of a server that has no model yet."""
    log = place[0].base / "log"
    with local_endpoint(*place, dict(os.environ), log=log, multi_model=True) as endpoint:
        yield endpoint.url


def store_of_numbers(folder: Path, count: int) -> CountingStore:
    """Archives 0.tar.gz, 1.tar.gz, … of models that predict their number."""
    store = CountingStore(folder)
    for number in range(count):
        model = DummyRegressor(strategy="constant", constant=float(number))
        content = io.BytesIO()
        joblib.dump(model.fit(np.zeros((2, 2)), [0, 1]), content)
        store.put(f"{number}.tar.gz", archive({"model.joblib": content.getvalue()}))
    store.put("broken.tar.gz", archive({"model.joblib": b"no pickle"}))
    return store


def in_front_of(
    url: str,
    tmp_path: Path,
    scenario: Callable[[ModelCache], Coroutine[Any, Any, None]],
    **options: Any,
) -> None:
    """Run a scenario with a cache in front of the server, which has no model afterwards."""

    async def run() -> None:
        connections = Connections(url)
        store = store_of_numbers(tmp_path / "s", 12)
        try:
            async with cache_of(connections, store, tmp_path / "models", **options) as cache:
                try:
                    await scenario(cache)
                finally:
                    for model in list(cache._loaded._models.values()):
                        await cache._container.unload(model.name)
                left = await connections.request("GET", "/models", timeout=SECONDS)
                assert json.loads(left.body)["models"] == []
        finally:
            await connections.close()

    asyncio.run(run())


async def predict(cache: ModelCache, number: object) -> Answer:
    return await cache.invoke(f"{number}.tar.gz", CSV, b"1,2\n", timeout=SECONDS)


def test_models_come_and_go_by_what_they_take(
    place: tuple[Paths, Algorithm], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server as a whole stays near its budget, and every request is answered."""
    monkeypatch.setattr(container_memory, "LEAST_SECONDS", 0)
    monkeypatch.setattr(container_memory, "LEAST_PAUSE", 0)

    async def scenario() -> None:
        log = place[0].base / "log"
        starting = start_serve(*place, os.environ, log=log, multi_model=True)
        async with running(starting) as container:
            store = store_of_numbers(tmp_path / "s", 12)
            async with cache_of(
                container.connections,
                store,
                tmp_path / "models",
                memory=BUDGET,
                measure=container.memory,
            ) as cache:
                for turn in range(3):
                    for first in range(0, 12, 3):
                        numbers = [first, first + 1, first + 2, turn]
                        answers = await asyncio.gather(*(predict(cache, n) for n in numbers))
                        assert [each.body for each in answers] == [b"[%d.0]" % n for n in numbers]
                        await settled(cache)
                models = cache.snapshot()
                assert {each.bytes_from for each in models} == {"container"}
                assert sum(each.evictions for each in models) > 0
                assert 1 <= sum(each.state is ModelState.LOADED for each in models) < 12
                assert (container.memory() or 0) < BUDGET * 1.2

    asyncio.run(scenario())


def test_a_model_that_can_not_be_loaded(url: str, tmp_path: Path) -> None:
    """The container's own words; another attempt is another LOAD, not a 409."""

    async def scenario(cache: ModelCache) -> None:
        for _ in range(2):
            with pytest.raises(ModelLoadFailed) as failed:
                await predict(cache, "broken")
            assert failed.value.status == 500
            assert json.loads(failed.value.body)["code"] == 500
        assert (await predict(cache, 3)).body == b"[3.0]"

    in_front_of(url, tmp_path, scenario)


def test_a_model_that_was_unloaded_behind_the_caches_back(url: str, tmp_path: Path) -> None:
    """It is loaded again, once; a request that the model refuses is not taken for that."""

    async def scenario(cache: ModelCache) -> None:
        assert (await predict(cache, 5)).body == b"[5.0]"
        await cache._container.unload(cache.snapshot()[0].name)
        answers = await asyncio.gather(*(predict(cache, 5) for _ in range(8)))
        assert [each.body for each in answers] == [b"[5.0]"] * 8
        assert cache.snapshot()[0].loads == 2
        refused = await cache.invoke("5.tar.gz", CSV, b"1,2,3,4\n", timeout=SECONDS)
        assert refused.status == 422
        assert cache.snapshot()[0].loads == 2

    in_front_of(url, tmp_path, scenario)


def test_nothing_is_kept_without_caching(url: str, tmp_path: Path) -> None:
    """Unloaded and deleted each time, while others load and answer."""

    async def scenario(cache: ModelCache) -> None:
        answers = await asyncio.gather(*(predict(cache, number % 4) for number in range(16)))
        assert [each.body for each in answers] == [b"[%d.0]" % (n % 4) for n in range(16)]
        await asyncio.gather(*cache._tasks)
        assert (cache.memory, cache.disk) == (0, 0)

    in_front_of(url, tmp_path, scenario, caching=False)
