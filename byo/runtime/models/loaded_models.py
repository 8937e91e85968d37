"""The models that a container has, in the order of their use, and how one of them goes."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict

from byo.runtime.models.cache_metrics import CacheMetrics
from byo.runtime.models.cached_model import CachedModel, ModelState
from byo.runtime.models.container_models import ContainerModels
from byo.runtime.models.memory_room import MemoryRoom, NoRoom
from byo.runtime.models.model_files import ModelFiles

log = logging.getLogger(__name__)

# How long invocations that are under way may keep a model from being unloaded.
DRAIN_SECONDS = 60.0


class LoadedModels:
    """Those that are loaded; whoever needs memory or disk has the least recently used one go.

    None goes while it is being invoked: where all are, the least recently used one gets no more
    invocations until those that it has are answered.

    Args:
        container: that has them.
        metrics: their number is noted there.
    """

    def __init__(self, container: ContainerModels, metrics: CacheMetrics) -> None:
        self.restarts = 0
        self._container = container
        self._metrics = metrics
        # The least recently used one is the first.
        self._models: OrderedDict[str, CachedModel] = OrderedDict()

    def join(self, files: ModelFiles, room: MemoryRoom) -> None:
        """Say what is freed where a model goes; both ask for that themselves."""
        self._files, self._room = files, room

    def __len__(self) -> int:
        return len(self._models)

    def __contains__(self, target_model: str) -> bool:
        return target_model in self._models

    def get(self, target_model: str) -> CachedModel | None:
        """A model that is loaded, as the one used last."""
        model = self._models.get(target_model)
        if model is not None:
            self._models.move_to_end(target_model)
        return model

    def add(self, model: CachedModel) -> None:
        """A model has been loaded, or stays so after all."""
        self._models[model.target_model] = model
        self._metrics.loaded(len(self._models))

    def lost(self, model: CachedModel) -> None:
        """The container does not have a model any more, by itself."""
        model.losses += 1
        if not model.is_loaded:
            return  # it is being unloaded, which will find nothing
        self._remove(model)
        model.gone(on_disk=True)
        self._room.lost(model.bytes)
        self._files.release(model.target_model)

    def container_restarted(self) -> None:
        """The container has none of them any more."""
        self.restarts += 1
        for model in list(self._models.values()):
            self.lost(model)

    async def evict(self, until: float, spare: str | None = None) -> int | None:
        """Unload the model that was used least recently, one that is not busy if any is so.

        Args:
            until: when to give up, in seconds of the event loop's clock.
            spare: the TargetModel of one that stays.

        Returns:
            The bytes that it took; None where none is loaded.

        Raises:
            NoRoom: all are busy, and it was so for too long.
        """
        models = [each for each in self._models.values() if each.target_model != spare]
        if not models:
            return None
        victim = next((each for each in models if not each.in_flight), models[0])
        if not await self.unload(victim, until):
            raise NoRoom(f"model {victim.target_model} was being invoked for too long")
        return victim.bytes

    async def give_up(self, until: float) -> bool:
        """Unload a model so that its files can be deleted; whether there was one."""
        try:
            return await self.evict(until) is not None
        except NoRoom as error:
            log.warning("no files can be deleted: %s", error)
            return False

    async def unload(self, model: CachedModel, until: float) -> bool:
        """Unload a model once it is idle; False where it was not so in time, and stays."""
        model.begin_unloading()
        self._remove(model)
        self._room.unloading()
        restarts = self.restarts
        async with model.changing:
            idle = await self._idle(model, until)
            if restarts == self.restarts:
                if not idle:
                    model.kept()
                    self.add(model)
                    self._room.kept()
                    return False
                await self._container.unload(model.name)
                model.evictions += 1
            model.gone(on_disk=True)
            self._files.release(model.target_model)
            self._room.unloaded(model.bytes)
            return True

    async def discard(self, model: CachedModel) -> None:
        """Unload a model that was invoked, and delete its files, where nothing is to be kept."""
        if model.in_flight or not model.is_loaded:
            return
        if await self.unload(model, asyncio.get_running_loop().time() + DRAIN_SECONDS):
            async with model.changing:
                if model.state is ModelState.ON_DISK:
                    await self._files.delete(model.target_model)
                    model.gone(on_disk=False)

    def _remove(self, model: CachedModel) -> None:
        self._models.pop(model.target_model, None)
        self._metrics.loaded(len(self._models))

    async def _idle(self, model: CachedModel, until: float) -> bool:
        """Wait until a model has answered all that it was asked; False where it takes too long."""
        latest = asyncio.get_running_loop().time() + DRAIN_SECONDS
        try:
            async with asyncio.timeout_at(min(until, latest)):
                await model.idle.wait()
        except TimeoutError:
            return False
        return True
