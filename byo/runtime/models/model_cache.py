"""What an endpoint with many models asks: it loads those that are not loaded, and keeps them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from byo.objects import ObjectStore
from byo.runtime.models.cache_metrics import CacheMetrics
from byo.runtime.models.cached_model import CachedModel, ModelSnapshot
from byo.runtime.models.container_memory import ContainerMemory, Measure
from byo.runtime.models.container_models import (
    LOAD_SECONDS,
    NOT_FOUND,
    UNAVAILABLE,
    ContainerModels,
    Requests,
)
from byo.runtime.models.load_model import ModelLoader
from byo.runtime.models.loaded_models import DRAIN_SECONDS, LoadedModels
from byo.runtime.models.memory_room import MemoryRoom, NoRoom
from byo.runtime.models.model_errors import ModelNotReady
from byo.runtime.models.model_files import ModelFiles
from byo.runtime.models.target_model import ModelSource
from byo.served_container import Answer, ContainerUnreachable, Headers
from contract.errors import ByoError

log = logging.getLogger(__name__)

STOPPING = "the container is stopping"


class ModelCache:
    """The models of one multi-model container, as SageMaker keeps them; of one event loop.

    `under_way` says how many invocations there are, those that wait for their model among them.

    A model that is invoked is downloaded, unpacked and loaded, once however many ask. The least
    recently used ones are unloaded where one that is asked for needs their memory, none while it
    is being invoked, and stay on the disk until that is needed too.

    Args:
        connections: to the container.
        store: where the models' objects lie.
        prefix: what comes before each TargetModel.
        folder: for models on this machine.
        memory_budget: bytes that the container may take with its models, as it tells of each, or
            by the size of its files where it does not; None where only its 507 counts.
        disk_budget: bytes that their files may take; None for most of what is free.
        caching: ``ModelCacheSetting``: whether models stay after an invocation.
        metrics: what is counted.
        seen_at: where the container sees the folder; None for where it is.
        measure: says what the container takes as a whole. Without it the budget is that of what is
            known of models alone.
    """

    def __init__(
        self,
        connections: Requests,
        store: ObjectStore,
        prefix: str,
        folder: Path,
        *,
        memory_budget: int | None,
        disk_budget: int | None,
        caching: bool,
        metrics: CacheMetrics,
        seen_at: str | None = None,
        measure: Measure | None = None,
    ) -> None:
        folder = folder.absolute()
        self.under_way = 0
        self._closing, self._answered = False, asyncio.Event()
        self._caching = caching
        self._metrics = metrics
        self._models: dict[str, CachedModel] = {}
        self._loads: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._container = ContainerModels(connections, metrics)
        self._loaded = LoadedModels(self._container, metrics)
        source, go = ModelSource(store, prefix), self._loaded.give_up
        self._files = ModelFiles(source, folder, disk_budget, go, metrics)
        memory = ContainerMemory(measure, memory_budget)
        self._room = MemoryRoom(memory_budget, self._loaded.evict, memory)
        self._loaded.join(self._files, self._room)
        self._loader = ModelLoader(
            self._loaded, self._container, self._files, self._room, seen_at or str(folder)
        )

    async def invoke(
        self, target_model: str, headers: Headers, body: bytes, *, timeout: float
    ) -> Answer:
        """Have a model answer; it is loaded first where it is not.

        Args:
            target_model: the path of its object below the prefix.
            headers: for the container.
            body: for the container.
            timeout: seconds for all of it.

        Returns:
            The container's answer, whatever its status.

        Raises:
            ModelNotReady: it was not loaded in time; that goes on, and a later invocation finds it.
            ModelDataFailed: it is not in the store, or not to be unpacked.
            ModelLoadFailed: the container does not load it.
            ObjectsFailed: the store can't be read.
            TimeoutError: it was not answered in time.
            ContainerUnreachable: the container can't be reached, or broke off.
        """
        if self._closing:
            raise ContainerUnreachable(STOPPING, sent=False)
        self.under_way += 1
        try:
            model = self._loaded.get(target_model)
            if model is None:
                self._metrics.missed()
                return await self._invoke_unloaded(target_model, headers, body, timeout)
            self._metrics.hit()
            model.hits += 1
            model.admit()
            return await self._invoke_admitted(model, headers, body, timeout)
        finally:
            self.under_way -= 1
            if self._closing and not self.under_way:
                self._answered.set()

    def snapshot(self) -> list[ModelSnapshot]:
        """The models that were ever loaded, the one that was used last first."""
        used = [model.snapshot() for model in self._models.values()]
        return sorted(used, key=lambda each: each.last_used, reverse=True)

    @property
    def memory(self) -> int:
        """Bytes that the loaded models take together, as far as is known of each."""
        return self._room.taken

    @property
    def disk(self) -> int:
        """Bytes that the models' files take on the disk."""
        return self._files.bytes

    def container_restarted(self, connections: Requests | None = None) -> None:
        """Say that the container was started anew, and has no model.

        Args:
            connections: to the new one; None where they are the same.
        """
        if connections is not None:
            self._container.connections = connections
        self._loaded.container_restarted()

    async def close(self, seconds: float = 0.0) -> None:
        """Wait until invocations are answered, give up what is under way then, delete the files.

        The container is left alone.

        Args:
            seconds: how long to wait at most.
        """
        self._closing = True
        if self.under_way:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._answered.wait()
        tasks = [*self._loads.values(), *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._files.close()

    async def _invoke_unloaded(
        self, target_model: str, headers: Headers, body: bytes, timeout: float
    ) -> Answer:
        began = time.perf_counter()
        until = asyncio.get_running_loop().time() + timeout
        model = await self._admitted(target_model, timeout)
        self._metrics.waited(time.perf_counter() - began)
        return await self._invoke_admitted(model, headers, body, self._left(until))

    async def _invoke_admitted(
        self, model: CachedModel, headers: Headers, body: bytes, timeout: float
    ) -> Answer:
        """A model's answer; where the container has lost it, that after another LOAD."""
        until = asyncio.get_running_loop().time() + timeout
        losses = model.losses
        try:
            answer = await self._send(model, headers, body, timeout)
            if not await self._was_lost(model, losses, answer.status):
                return answer
        finally:
            self._ended(model)
        log.warning("the container has lost model %s: it is loaded again", model.target_model)
        again = self._loaded.get(model.target_model)
        if again is None:
            again = await self._admitted(model.target_model, self._left(until))
        else:
            again.admit()
        try:
            return await self._send(again, headers, body, self._left(until))
        finally:
            self._ended(again)

    async def _send(
        self, model: CachedModel, headers: Headers, body: bytes, timeout: float
    ) -> Answer:
        model.sent()
        began = time.perf_counter()
        try:
            return await self._container.connections.request(
                "POST", model.invoke_path, headers, body, timeout=timeout
            )
        finally:
            model.latencies.append(time.perf_counter() - began)

    def _ended(self, model: CachedModel) -> None:
        model.ended()
        if not (self._caching or model.in_flight):
            self._spawn(self._loaded.discard(model))

    async def _was_lost(self, model: CachedModel, losses: int, status: int) -> bool:
        """Whether an answer is that of a container which does not have the model, and not its own.

        Args:
            model: that was invoked, and still counts this invocation.
            losses: how often it had been lost before.
            status: of the answer.
        """
        if model.losses != losses:  # another invocation has found it out
            return status in (NOT_FOUND, UNAVAILABLE)
        if status != NOT_FOUND:
            return False
        there = await self._container.has(model.name)
        if model.losses == losses and not there:
            self._loaded.lost(model)
        return model.losses != losses

    async def _admitted(self, target_model: str, seconds: float) -> CachedModel:
        """A model that is loaded, with an invocation begun: it stays until that has ended.

        Raises:
            ModelNotReady: it was not loaded in time.
        """
        model = self._models.get(target_model)
        if model is None:
            model = self._models[target_model] = CachedModel(target_model)
        if target_model not in self._loads:
            self._begin_load(model)
        if not await model.admitted(seconds):
            raise ModelNotReady(target_model, seconds)
        return model

    def _begin_load(self, model: CachedModel) -> None:
        load = asyncio.create_task(self._load(model))
        self._loads[model.target_model] = load
        load.add_done_callback(lambda done: self._load_ended(model, done))

    def _load_ended(self, model: CachedModel, load: asyncio.Task[None]) -> None:
        del self._loads[model.target_model]
        if load.cancelled():
            model.failed(ContainerUnreachable(STOPPING, sent=False))
        elif (error := load.exception()) is not None:
            level = logging.WARNING if isinstance(error, ByoError) else logging.ERROR
            log.log(level, "model %s: %s", model.target_model, error, exc_info=level > 30)
            model.failed(error)
        elif model.waiting:  # it was loaded, and unloaded again, before they asked
            self._begin_load(model)
        if not model.loads and model.target_model not in self._loads:
            del self._models[model.target_model]  # nothing is remembered of mere names

    async def _load(self, model: CachedModel) -> None:
        """Bring a model from wherever it is into the container."""
        until = asyncio.get_running_loop().time() + LOAD_SECONDS
        async with model.changing:
            await self._loader.load(model, until)
        self._spawn(self._shrink(model.target_model))

    async def _shrink(self, spare: str) -> None:
        until = asyncio.get_running_loop().time() + DRAIN_SECONDS
        try:
            await self._room.shrink(spare, until)
        except NoRoom as error:
            log.warning("models take more memory than the budget: %s", error)

    def _left(self, until: float) -> float:
        return max(0.0, until - asyncio.get_running_loop().time())

    def _spawn(self, what: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
