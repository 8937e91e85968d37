"""The order in which models go is that of an ideal cache that unloads the least recently used."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, OrderedDict
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.runtime_models.places import SIZE, ask, cache_of, check_consistent, settled, store_with
from tests.runtime_models.stub_container import StubContainer

MODELS = 300
FITTING = 60
REQUESTS = 4000
CLIENTS = 16


def zipf(count: int, seed: int) -> list[str]:
    """Names of models as many tenants ask for them: few very often, most seldom."""
    names = [f"{i:03}.tar.gz" for i in range(MODELS)]
    weights = [1 / (rank + 1) for rank in range(MODELS)]
    return random.Random(seed).choices(names, weights, k=count)


def ideal(asked: Sequence[str], fitting: int) -> tuple[int, list[str]]:
    """How often an ideal cache has what is asked for, and what it lets go, in this order."""
    kept: OrderedDict[str, None] = OrderedDict()
    hits, gone = 0, []
    for name in asked:
        if name in kept:
            hits += 1
        elif len(kept) == fitting:
            gone.append(kept.popitem(last=False)[0])
        kept[name] = None
        kept.move_to_end(name)
    return hits, gone


def test_one_after_the_other_exactly_as_ideal(tmp_path: Path) -> None:
    """The same hits, and the same models go in the same order."""

    async def scenario() -> None:
        asked = zipf(1500, 1)
        stub, store = StubContainer(), store_with(tmp_path / "s", set(asked))
        folder = tmp_path / "models"
        async with cache_of(stub, store, folder, memory=FITTING * SIZE) as cache:
            for name in asked:
                await ask(cache, name)
                await settled(cache)
            assert (cache._metrics.hits, stub.unloaded) == ideal(asked, FITTING)
            assert set(store.fetched.values()) == {1}
            check_consistent(cache, stub, folder)

    asyncio.run(scenario())


@pytest.mark.parametrize("budgeted", [True, False], ids=["budget", "507"])
def test_many_clients_at_once(tmp_path: Path, budgeted: bool) -> None:
    """300 models, none lost, hits within two points of ideal, never more in memory than may be."""

    async def scenario() -> None:
        asked = zipf(REQUESTS, 2)
        limit = FITTING * SIZE
        stub = StubContainer(None if budgeted else limit)
        store, folder = store_with(tmp_path / "s", set(asked)), tmp_path / "models"
        most = 0
        async with cache_of(stub, store, folder, memory=limit if budgeted else None) as cache:
            waiting = iter(asked)
            answered: Counter[str] = Counter()

            async def client() -> None:
                nonlocal most
                for name in waiting:
                    assert await ask(cache, name) == f"{name}:x"
                    answered[name] += 1
                    most = max(most, stub.taken)

            await asyncio.gather(*(client() for _ in range(CLIENTS)))
            await settled(cache)
            assert answered == Counter(asked)
            hit_rate = cache._metrics.hits / REQUESTS
            assert hit_rate > ideal(asked, FITTING)[0] / REQUESTS - 0.02
            # A model's first load is promised less than it turns out to take.
            assert most <= limit + CLIENTS * SIZE
            assert stub.taken <= limit
            assert set(store.fetched.values()) == {1}
            check_consistent(cache, stub, folder)

    asyncio.run(scenario())
