"""One load: files to the disk, room in memory, LOAD until it works or can't."""

from __future__ import annotations

import asyncio
from collections import deque

from byo.runtime.models.cached_model import CachedModel
from byo.runtime.models.container_models import CONFLICT, ContainerModels, bytes_wanted
from byo.runtime.models.loaded_models import LoadedModels
from byo.runtime.models.memory_room import MemoryRoom, NoRoom
from byo.runtime.models.model_errors import INSUFFICIENT_STORAGE, ModelLoadFailed
from byo.runtime.models.model_files import ModelFiles, ModelFolder
from byo.served_container import Answer, ContainerUnreachable

LOADS_AT_ONCE = 16
# A LOAD that is refused for lack of memory is tried again so often, each time with more of it.
MOST_REFUSALS = 16
KEPT_OVERHEADS = 64


class ModelLoader:
    """Loads models, several at a time; whoever asks sees to it that none is loaded twice at once.

    Args:
        loaded: those that are.
        container: that loads them.
        files: of them.
        room: in the container's memory.
        url: the folder of the files as the container sees it.
    """

    def __init__(
        self,
        loaded: LoadedModels,
        container: ContainerModels,
        files: ModelFiles,
        room: MemoryRoom,
        url: str,
    ) -> None:
        self._loaded = loaded
        self._container = container
        self._files = files
        self._room = room
        self._url = url.rstrip("/")
        self._turns = asyncio.Semaphore(LOADS_AT_ONCE)
        # What the last models took beside the size of their files.
        self._overheads: deque[int] = deque(maxlen=KEPT_OVERHEADS)

    async def load(self, model: CachedModel, until: float) -> None:
        """Load a model.

        Args:
            model: which; nobody else changes it meanwhile.
            until: when to give up, in seconds of the event loop's clock.

        Raises:
            ModelDataFailed: it is not in the store, or not to be unpacked.
            ModelLoadFailed: the container does not load it, or not in time.
            ObjectsFailed: the store can't be read.
            ContainerUnreachable: the container can't be reached, or broke off.
        """
        target = model.target_model
        model.begin_loading()
        try:
            async with self._turns:
                folder = await self._files.hold(target, until)
                await self._into_memory(model, folder, until)
        except BaseException as error:
            self._files.release(target)
            model.gone(on_disk=target in self._files)
            if isinstance(error, NoRoom):
                raise self._failed(target, INSUFFICIENT_STORAGE, str(error)) from None
            if isinstance(error, TimeoutError):
                raise self._failed(target, 0, "it was not downloaded in time") from None
            raise

    async def _into_memory(self, model: CachedModel, folder: ModelFolder, until: float) -> None:
        expected = self._expected(model, folder)
        await self._room.promise(expected, until)
        try:
            while True:
                restarts = self._loaded.restarts
                await self._until_accepted(model.target_model, folder, until)
                told = await self._container.memory(folder.name)
                if restarts == self._loaded.restarts:
                    break
        except BaseException:
            self._room.failed(expected)
            raise
        if told is not None:
            self._overheads.append(max(0, told - folder.bytes))
        size = expected if told is None else told
        self._room.loaded(expected, size)
        model.loaded(folder.name, size, told=told is not None)
        self._loaded.add(model)

    def _expected(self, model: CachedModel, folder: ModelFolder) -> int:
        """What a model will take: as before, else its files and what models take beside those."""
        return model.bytes if model.told else folder.bytes + min(self._overheads, default=0)

    async def _until_accepted(self, target: str, folder: ModelFolder, until: float) -> None:
        """LOAD, again after others have been unloaded where there is not enough memory."""
        url = f"{self._url}/{folder.name}/model"
        refusals = 0
        while True:
            answer = await self._ask(target, folder.name, url, until)
            if answer is None or answer.status < 300 or answer.status == CONFLICT:
                return
            if answer.status != INSUFFICIENT_STORAGE:
                # Some containers keep the name of a model that they did not load.
                await self._container.unload(folder.name, wanted=False)
                raise ModelLoadFailed(target, answer.status, answer.body)
            wanted = bytes_wanted(answer)
            # Where nobody says how much is missing, more models go each time.
            least = 1 if wanted is not None else 2 ** (refusals // 2)
            refusals += 1
            if refusals == MOST_REFUSALS or not await self._room.free(wanted or 0, least, until):
                raise ModelLoadFailed(target, answer.status, answer.body)

    async def _ask(self, target: str, name: str, url: str, until: float) -> Answer | None:
        """The answer to a LOAD; None where the container was started anew meanwhile."""
        restarts = self._loaded.restarts
        seconds = max(0.0, until - asyncio.get_running_loop().time())
        try:
            return await self._container.load(name, url, target, seconds)
        except ContainerUnreachable:
            if restarts == self._loaded.restarts:
                raise
            return None
        except TimeoutError:
            await self._container.unload(name, wanted=False)
            raise self._failed(target, 0, "LOAD was not answered in time") from None

    def _failed(self, target: str, status: int, why: str) -> ModelLoadFailed:
        return ModelLoadFailed(target, status, why.encode())
