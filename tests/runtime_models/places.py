"""Stores with models in them, and caches in front of stubs."""

from __future__ import annotations

import asyncio
import io
import tarfile
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from byo.objects import ObjectInfo
from byo.objects.folder_store import FolderStore
from byo.runtime.models import CacheMetricFamilies, ModelCache
from byo.runtime.models.container_memory import Measure
from tests.runtime_models.stub_container import SIZE_FILE, StubContainer

SIZE = 1000
SECONDS = 20.0


class CountingStore(FolderStore):
    """A folder that notes what was fetched of it, and holds fetches back while it is told to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.fetched: Counter[str] = Counter()
        self.gate = threading.Event()
        self.gate.set()

    def fetch(self, key: str, to: Path) -> ObjectInfo:
        self.fetched[key] += 1
        assert self.gate.wait(SECONDS)
        return super().fetch(key, to)


def archive(files: dict[str, bytes]) -> bytes:
    """A model.tar.gz of these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as writer:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o600
            writer.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def store_with(folder: Path, names: Iterable[str], size: int = SIZE) -> CountingStore:
    """A store with archives of models that take so many bytes each."""
    store = CountingStore(folder)
    for name in names:
        store.put(name, archive({SIZE_FILE: str(size).encode()}))
    return store


@asynccontextmanager
async def cache_of(
    stub: Any,
    store: CountingStore,
    folder: Path,
    *,
    memory: int | None = None,
    disk: int | None = None,
    caching: bool = True,
    registry: CollectorRegistry | None = None,
    prefix: str = "",
    measure: Measure | None = None,
) -> AsyncIterator[ModelCache]:
    """A cache in front of a stub, until the block ends."""
    metrics = CacheMetricFamilies(registry or CollectorRegistry()).of_variant("e", "v")
    cache = ModelCache(
        stub,
        store,
        prefix,
        folder,
        memory_budget=memory,
        disk_budget=disk,
        caching=caching,
        metrics=metrics,
        measure=measure,
    )
    try:
        yield cache
    finally:
        store.gate.set()
        await cache.close()


async def ask(cache: ModelCache, target: str, body: bytes = b"x", timeout: float = SECONDS) -> str:
    """Invoke a model; the answer of 200."""
    answer = await cache.invoke(target, (), body, timeout=timeout)
    assert answer.status == 200, answer
    return answer.body.decode()


async def settled(cache: ModelCache) -> None:
    """Wait until nothing is under way in a cache."""
    async with asyncio.timeout(SECONDS):
        while tasks := [*cache._loads.values(), *cache._tasks]:
            await asyncio.wait(tasks)


def check_consistent(cache: ModelCache, stub: StubContainer, folder: Path) -> None:
    """What the cache believes is what is there: in the container, in sums, on the disk."""
    loaded = {each.name for each in cache._loaded._models.values()}
    assert loaded == set(stub.models)
    assert cache.memory == sum(each.bytes for each in cache._loaded._models.values())
    assert cache._room.promised == cache._room._under_way == 0
    assert cache._room.count == len(loaded)
    assert cache._files._held == set(cache._loaded._models)
    there = {entry.name for entry in folder.iterdir()} - {".staging"}
    assert there == {each.name for each in cache._files._folders.values()}
    assert not any((folder / ".staging").iterdir())
    assert all(not (each.in_flight or each.waiting) for each in cache._models.values())
    assert stub.unloaded_in_use == []
