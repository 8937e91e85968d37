"""Many models behind one container: each is brought once, and kept as long as it can be."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from byo.objects.object_store import StoreUnreachable
from byo.runtime.models import ModelLoadFailed, ModelNotFound, ModelNotReady, ModelState
from byo.served_container import Connections, ContainerUnreachable
from tests.runtime_models.places import (
    SIZE,
    ask,
    cache_of,
    check_consistent,
    settled,
    store_with,
)
from tests.runtime_models.stub_container import StubContainer, behind_a_socket

A, B, C, D = "a.tar.gz", "b.tar.gz", "sub/c.tar.gz", "d.tar.gz"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


def test_fifty_at_once_are_one_download_and_one_load(tmp_path: Path, folder: Path) -> None:
    """However many ask, over real connections; each gets its own answer."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A])
        async with (
            behind_a_socket(stub) as url,
            closing(Connections(url)) as connections,
            cache_of(connections, store, folder) as cache,
        ):
            stub.load_gate.clear()
            asked = [asyncio.create_task(ask(cache, A, b"%d" % i)) for i in range(50)]
            await stub.arrived.wait()
            stub.load_gate.set()

            assert await asyncio.gather(*asked) == [f"{A}:{i}" for i in range(50)]
            assert store.fetched == Counter({A: 1})
            assert stub.counts == Counter(LOAD=1, INVOKE=50)
            assert (cache._metrics.hits, cache._metrics.misses) == (0, 50)
            assert await ask(cache, A) == f"{A}:x"
            assert cache._metrics.hits == 1
            check_consistent(cache, stub, folder)

    asyncio.run(scenario())


def test_a_name_that_says_nothing_and_a_folder_called_model(tmp_path: Path, folder: Path) -> None:
    """As SageMaker has it: /opt/ml/models/HASH/model."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [f"p/{A}", f"p/{C}"])
        async with cache_of(stub, store, folder, prefix="p") as cache:
            await ask(cache, A)
            await ask(cache, C)
            names = list(stub.models)
            assert [stub.targets[name] for name in names] == [A, C]
            assert all(len(name) == 32 and "tar" not in name for name in names)
            assert [url for url, _ in stub.models.values()] == [
                str(folder / name / "model") for name in names
            ]

    asyncio.run(scenario())


def test_the_least_recently_used_go_when_memory_is_needed(tmp_path: Path, folder: Path) -> None:
    """By the budget; they stay on the disk, and are not downloaded again."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A, B, C, D])
        async with cache_of(stub, store, folder, memory=2 * SIZE) as cache:
            for target in (A, B, A, C, B, D, A):
                await ask(cache, target)
                await settled(cache)
                assert cache.memory <= 2 * SIZE
            assert stub.unloaded == [B, A, C, B]
            assert stub.loaded == [A, B, C, B, D, A]
            assert store.fetched == Counter({A: 1, B: 1, C: 1, D: 1})
            states = {each.target_model: each.state for each in cache.snapshot()}
            assert states == {
                A: ModelState.LOADED,
                D: ModelState.LOADED,
                B: ModelState.ON_DISK,
                C: ModelState.ON_DISK,
            }
            check_consistent(cache, stub, folder)

    asyncio.run(scenario())


@pytest.mark.parametrize("figures", [True, False])
def test_a_refusal_for_lack_of_memory_has_others_go(
    tmp_path: Path, folder: Path, figures: bool
) -> None:
    """By 507 alone, whether or not the container says how much is missing."""

    async def scenario() -> None:
        stub = StubContainer(3 * SIZE, figures=figures)
        store = store_with(tmp_path / "s", [A, B, C])
        store.put(D, store_with(tmp_path / "big", [D], 2 * SIZE).read(D))
        async with cache_of(stub, store, folder) as cache:
            for target in (A, B, C, A, D):
                await ask(cache, target)
            assert stub.unloaded == [B, C]
            assert stub.counts["507"] == (1 if figures else 2)
            assert {each.bytes_from for each in cache.snapshot()} == {
                "container" if figures else "files"
            }
            check_consistent(cache, stub, folder)

    asyncio.run(scenario())


def test_one_that_never_fits_is_the_containers_own_507(tmp_path: Path, folder: Path) -> None:
    """After all others have gone; the next invocation of those works."""

    async def scenario() -> None:
        stub, store = StubContainer(2 * SIZE), store_with(tmp_path / "s", [A, B])
        store.put(D, store_with(tmp_path / "big", [D], 3 * SIZE).read(D))
        async with cache_of(stub, store, folder) as cache:
            await ask(cache, A)
            await ask(cache, B)
            with pytest.raises(ModelLoadFailed) as failed:
                await ask(cache, D)
            assert failed.value.status == 507
            assert b"needed" in failed.value.body
            assert stub.models == {}
            assert await ask(cache, A) == f"{A}:x"
            check_consistent(cache, stub, folder)

    asyncio.run(scenario())


def test_none_goes_while_it_is_invoked(tmp_path: Path, folder: Path) -> None:
    """The newly targeted one waits for that, and those after it come back later."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A, B])
        async with cache_of(stub, store, folder, memory=SIZE) as cache:
            await ask(cache, A)
            stub.invoke_gate.clear()
            first = asyncio.create_task(ask(cache, A, b"1"))
            await _until(lambda: stub.counts["INVOKE"] == 2)
            second = asyncio.create_task(ask(cache, B, b"2"))
            await _until(lambda: cache._models[A].state is ModelState.UNLOADING)
            third = asyncio.create_task(ask(cache, A, b"3"))
            await asyncio.sleep(0)
            assert stub.unloaded == []
            stub.invoke_gate.set()
            assert await asyncio.gather(first, second, third) == [f"{A}:1", f"{B}:2", f"{A}:3"]
            await settled(cache)
            assert stub.unloaded[:2] == [A, B]
            check_consistent(cache, stub, folder)

    asyncio.run(scenario())


def test_one_that_is_idle_goes_before_one_that_is_not(tmp_path: Path, folder: Path) -> None:
    """Also where the other one was used less recently: nobody waits for what need not be."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A, B, C])
        async with cache_of(stub, store, folder, memory=2 * SIZE) as cache:
            await ask(cache, B)
            stub.invoke_gate.clear()
            long = asyncio.create_task(ask(cache, A))
            await _until(lambda: stub.counts["INVOKE"] == 2)
            cache._loaded.get(B)  # as if it had been used since
            other = asyncio.create_task(ask(cache, C))
            await _until(lambda: stub.unloaded != [])
            assert stub.unloaded == [B]
            stub.invoke_gate.set()
            await asyncio.gather(long, other)

    asyncio.run(scenario())


def test_not_ready_in_time_is_loaded_later(tmp_path: Path, folder: Path) -> None:
    """The LOAD goes on after the invocation gave up, and is not begun again."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A])
        async with cache_of(stub, store, folder) as cache:
            stub.load_gate.clear()
            for _ in range(2):
                with pytest.raises(ModelNotReady, match=rf"Model {A} was not ready"):
                    await ask(cache, A, timeout=0.05)
            stub.load_gate.set()
            await settled(cache)
            assert await ask(cache, A) == f"{A}:x"
            assert stub.counts["LOAD"] == 1
            assert cache._metrics.hits == 1

    asyncio.run(scenario())


def test_a_slow_download_and_load_do_not_hold_up_others(tmp_path: Path, folder: Path) -> None:
    """One model's LOAD may take minutes; the others are answered meanwhile."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A, B])
        async with cache_of(stub, store, folder) as cache:
            await ask(cache, B)
            store.gate.clear()
            slow = asyncio.create_task(ask(cache, A))
            await _until(lambda: store.fetched[A] == 1)
            assert await ask(cache, B) == f"{B}:x"
            stub.load_gate.clear()
            store.gate.set()
            await _until(lambda: stub.counts["LOAD"] == 2)
            assert await ask(cache, B) == f"{B}:x"
            stub.load_gate.set()
            assert await slow == f"{A}:x"

    asyncio.run(scenario())


def test_a_load_that_fails_poisons_nothing(tmp_path: Path, folder: Path) -> None:
    """All that wait get the container's status and body; the next one tries again."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A])
        async with cache_of(stub, store, folder) as cache:
            stub.failing[A] = (500, b"no module named nothing")
            asked = [asyncio.create_task(ask(cache, A)) for _ in range(5)]
            for failure in await asyncio.gather(*asked, return_exceptions=True):
                assert isinstance(failure, ModelLoadFailed)
                assert (failure.status, failure.body) == (500, b"no module named nothing")
            assert stub.counts["LOAD"] == 1
            check_consistent(cache, stub, folder)
            del stub.failing[A]
            assert await ask(cache, A) == f"{A}:x"
            assert store.fetched[A] == 1

    asyncio.run(scenario())


def test_loaded_already_is_loaded(tmp_path: Path, folder: Path) -> None:
    """409 is as good as 200."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A])
        async with cache_of(stub, store, folder) as cache:
            await ask(cache, A)
            cache.container_restarted()  # it was not: the container has the model still
            assert await ask(cache, A) == f"{A}:x"
            assert stub.counts["LOAD"] == 2
            check_consistent(cache, stub, folder)

    asyncio.run(scenario())


def test_a_model_that_the_container_lost_is_loaded_again(tmp_path: Path, folder: Path) -> None:
    """Once, for all that found it lost; a model's own 404 is passed on."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A])
        async with cache_of(stub, store, folder) as cache:
            await ask(cache, A)
            own = await cache.invoke(A, (), b"404", timeout=5)
            assert (own.status, own.body) == (404, f"{A}:404".encode())
            assert stub.counts["LOAD"] == 1
            for turns in (0, 7, 50):
                stub.lose(A)
                # One is told late, when the model is loaded again, that it is there.
                stub.slow_gets = [0] * 10 + [turns] * 5 + [0]
                loads = stub.counts["LOAD"]
                asked = [ask(cache, A, b"%d" % i) for i in range(20)]
                assert await asyncio.gather(*asked) == [f"{A}:{i}" for i in range(20)]
                assert stub.counts["LOAD"] == loads + 1
                check_consistent(cache, stub, folder)

    asyncio.run(scenario())


def test_a_models_own_404_is_not_taken_for_a_loss(tmp_path: Path, folder: Path) -> None:
    """Nor where it is unloaded at that moment, as others need its memory or nothing is kept."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A, B])
        async with cache_of(stub, store, folder, memory=SIZE) as cache:
            await ask(cache, A)
            stub.invoke_gate.clear()
            own = asyncio.create_task(cache.invoke(A, (), b"404", timeout=20))
            await _until(lambda: stub.counts["INVOKE"] == 2)
            other = asyncio.create_task(ask(cache, B))
            await _until(lambda: cache._models[A].state is ModelState.UNLOADING)
            stub.invoke_gate.set()
            assert (await own).body == f"{A}:404".encode()
            await other
            assert stub.counts["LOAD"] == 2
        async with cache_of(stub, store, folder, caching=False) as cache:
            assert (await cache.invoke(A, (), b"404", timeout=20)).status == 404
            await settled(cache)
            assert stub.counts["LOAD"] == 3

    asyncio.run(scenario())


def test_a_container_that_was_started_anew(tmp_path: Path, folder: Path) -> None:
    """Everything is loaded again when it is asked for; a LOAD under way begins again."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A, B])
        async with cache_of(stub, store, folder, memory=2 * SIZE) as cache:
            await ask(cache, A)
            stub.load_gate.clear()
            loading = asyncio.create_task(ask(cache, B))
            await _until(lambda: stub.counts["LOAD"] == 2)
            stub.restart()
            cache.container_restarted()
            assert cache.memory == 0
            stub.load_gate.set()
            assert await loading == f"{B}:x"
            assert await ask(cache, A) == f"{A}:x"
            assert store.fetched == Counter({A: 1, B: 1})
            check_consistent(cache, stub, folder)

    asyncio.run(scenario())


def test_a_container_that_is_away(tmp_path: Path, folder: Path) -> None:
    """Says so, at LOAD and at INVOKE, and works again when it is back."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A, B])
        async with cache_of(stub, store, folder) as cache:
            await ask(cache, A)
            stub.unreachable = True
            for target in (A, B):
                with pytest.raises(ContainerUnreachable):
                    await ask(cache, target)
            stub.unreachable = False
            assert await ask(cache, A) == f"{A}:x"
            assert await ask(cache, B) == f"{B}:x"
            check_consistent(cache, stub, folder)

    asyncio.run(scenario())


def test_what_waits_for_a_model_is_answered_before_the_end(tmp_path: Path, folder: Path) -> None:
    """A container that is replaced answers what it was asked; nobody waits for longer than said."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A, B])
        async with cache_of(stub, store, folder) as cache:
            stub.load_gate.clear()
            waiting = asyncio.create_task(ask(cache, A))
            await stub.arrived.wait()
            closing = asyncio.create_task(cache.close(20))
            await asyncio.sleep(0)
            assert cache.under_way == 1
            with pytest.raises(ContainerUnreachable, match="is stopping"):
                await ask(cache, A)
            stub.load_gate.set()
            assert await waiting == f"{A}:x"
            await closing
        async with cache_of(stub, store, folder) as cache:
            stub.load_gate.clear()
            waiting = asyncio.create_task(ask(cache, B))
            await _until(lambda: stub.counts["LOAD"] == 2)
            await cache.close(0.01)
            with pytest.raises(ContainerUnreachable, match="is stopping"):
                await waiting

    asyncio.run(scenario())


def test_a_download_that_hangs_keeps_nobody(tmp_path: Path, folder: Path) -> None:
    """It is given up with the cache; what comes of it after all is thrown away."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A])
        async with cache_of(stub, store, folder) as cache:
            store.gate.clear()
            waiting = asyncio.create_task(ask(cache, A))
            await _until(lambda: store.fetched[A] == 1)
            await cache.close()
            with pytest.raises(ContainerUnreachable, match="is stopping"):
                await waiting
            threads = [each for each in threading.enumerate() if each.name == "models"]
            assert threads
            assert all(each.daemon for each in threads)
            store.gate.set()
            await asyncio.to_thread(lambda: [each.join(20) for each in threads])
            assert not any((folder / ".staging").iterdir())

    asyncio.run(scenario())


def test_nothing_is_kept_without_caching(tmp_path: Path, folder: Path) -> None:
    """ModelCacheSetting=Disabled: unloaded and deleted after the last of those that use it."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A, B])
        async with cache_of(stub, store, folder, caching=False) as cache:
            asked = [ask(cache, target, b"%d" % i) for i in range(10) for target in (A, B)]
            answers = await asyncio.gather(*asked)
            assert answers == [f"{target}:{i}" for i in range(10) for target in (A, B)]
            await settled(cache)
            assert (stub.models, cache.disk, cache.memory) == ({}, 0, 0)
            assert store.fetched == Counter({A: 1, B: 1})
            check_consistent(cache, stub, folder)
            await ask(cache, A)
            await settled(cache)
            assert store.fetched[A] == 2
            check_consistent(cache, stub, folder)

    asyncio.run(scenario())


def test_the_disk_is_kept_within_its_budget(tmp_path: Path, folder: Path) -> None:
    """Files of models that are not loaded go first, the least recently used of them."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A, B, C, D])
        each = len(str(SIZE))  # what an archive here unpacks to
        async with cache_of(stub, store, folder, memory=2 * SIZE, disk=3 * each) as cache:
            for target in (A, B, C, D, B, A):
                await ask(cache, target)
                assert cache.disk <= 3 * each
            # D took the room of A, which had been unloaded for C; A that of C.
            assert store.fetched == Counter({A: 2, B: 1, C: 1, D: 1})
            await settled(cache)
            check_consistent(cache, stub, folder)

    asyncio.run(scenario())


def test_a_loaded_model_goes_when_only_that_frees_the_disk(tmp_path: Path, folder: Path) -> None:
    """Where all that is on the disk is loaded, the least recently used one is unloaded for it."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A, B, C])
        store.put(D, store_with(tmp_path / "big", [D], 10**30).read(D))
        each = len(str(SIZE))
        async with cache_of(stub, store, folder, disk=2 * each) as cache:
            for target in (A, B, C):
                await ask(cache, target)
            assert stub.unloaded == [A]
            with pytest.raises(
                ModelLoadFailed, match=r"unpacks to more than the 8 bytes"
            ) as failed:
                await ask(cache, D)
            assert failed.value.status == 507
            assert await ask(cache, B) == f"{B}:x"
            check_consistent(cache, stub, folder)

    asyncio.run(scenario())


def test_a_model_that_is_not_there(tmp_path: Path, folder: Path) -> None:
    """In AWS's words; once it is there, it is found, and of names nothing is remembered."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A])
        async with cache_of(stub, store, folder, prefix="p") as cache:
            for target in (A, "../s/a.tar.gz", "/etc/passwd", "a" * 1024):
                with pytest.raises(ModelNotFound) as failed:
                    await ask(cache, target)
                place = f"(bucket: {tmp_path / 's'}, key: p/{target})"
                assert str(failed.value).startswith(f"Failed to download model data {place}. ")
            await settled(cache)
            assert cache._models == {}
            store.put(f"p/{A}", store.read(A))
            assert await ask(cache, A) == f"{A}:x"
            check_consistent(cache, stub, folder)

    asyncio.run(scenario())


def test_a_store_that_does_not_answer(tmp_path: Path, folder: Path) -> None:
    """Is no model that is not there; the next invocation tries again."""

    async def scenario() -> None:
        stub, store = StubContainer(), store_with(tmp_path / "s", [A])
        async with cache_of(stub, store, folder) as cache:
            fetch = store.fetch

            def broken(*_: object) -> None:
                raise StoreUnreachable("the store is away")

            store.fetch = broken  # type: ignore[method-assign, assignment]
            with pytest.raises(StoreUnreachable, match="the store is away"):
                await ask(cache, A)
            store.fetch = fetch  # type: ignore[method-assign]
            assert await ask(cache, A) == f"{A}:x"
            check_consistent(cache, stub, folder)

    asyncio.run(scenario())


def test_what_is_counted(tmp_path: Path, folder: Path) -> None:
    """By CloudWatch's names, in microseconds; and what a page can show."""

    async def scenario() -> None:
        registry = CollectorRegistry()
        stub, store = StubContainer(), store_with(tmp_path / "s", [A, B])
        async with cache_of(stub, store, folder, memory=SIZE, registry=registry) as cache:
            began = time.time()
            for target in (A, A, B):
                await ask(cache, target)
            await settled(cache)
            first, second = cache.snapshot()

        def value(name: str) -> float | None:
            return registry.get_sample_value(name, {"EndpointName": "e", "VariantName": "v"})

        assert value("ModelCacheHit_sum") == 1
        assert value("ModelCacheHit_count") == 3
        assert value("LoadedModelCount") == 1
        for name in ("ModelLoadingWaitTime", "ModelLoadingTime", "ModelDownloadingTime"):
            assert value(f"{name}_count") == 2
            assert 1 < (value(f"{name}_sum") or 0) < 60e6
        assert value("ModelUnloadingTime_count") == 1
        assert (first.target_model, first.hits, first.loads, first.evictions) == (B, 0, 1, 0)
        assert (second.target_model, second.hits, second.loads, second.evictions) == (A, 1, 1, 1)
        assert (first.bytes, first.bytes_from, first.invocations) == (SIZE, "container", 1)
        assert first.last_used >= second.last_used >= began
        assert 0 < (second.median_seconds or 0) <= (second.longest_seconds or 0)

    asyncio.run(scenario())


@asynccontextmanager
async def closing(connections: Connections) -> AsyncIterator[Connections]:
    try:
        yield connections
    finally:
        await connections.close()


async def _until(condition: object) -> None:
    """Wait for what a stub or a store sees."""
    async with asyncio.timeout(20):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.001)
