"""The models on this machine's disk: brought there once, and kept as long as there is room."""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from byo.objects import DiskFull, NoAccess, NoSuchObject
from byo.runtime.models import unpack_model
from byo.runtime.models.cache_metrics import CacheMetrics
from byo.runtime.models.daemon_thread import in_daemon_thread
from byo.runtime.models.model_errors import (
    INSUFFICIENT_STORAGE,
    ModelDataInvalid,
    ModelLoadFailed,
    ModelNotFound,
)
from byo.runtime.models.target_model import ModelSource, container_name, is_container_name
from byo.tree.model_to_serve import ARCHIVE_SUFFIXES

log = logging.getLogger(__name__)

# Beside the models, for what is not whole yet or is being deleted.
STAGING = ".staging"
# As AWS has it: /opt/ml/models/NAME/model.
MODEL = "model"
DOWNLOADS_AT_ONCE = 8
# Of what is free on the disk at first, where no budget is given.
SHARE_OF_DISK = 0.9


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model on the disk.

    Args:
        name: what the container knows it by; its folder's name too.
        bytes: of its files.
    """

    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class _Staged:
    folder: Path
    name: str
    bytes: int


class ModelFiles:
    """Models in a folder, each as ``NAME/model``.

    A model that is held, as it is loaded or about to be, stays; the others are deleted when the
    disk is needed, the least recently used first. One that is being brought counts only once it is
    there, so that for a moment more is used than the budget says.

    Args:
        source: where models come from.
        folder: where they go; models of before are deleted.
        budget: bytes for all of them; None for most of what is free.
        give_up: unloads a model, so that its files can be deleted; False where none is loaded.
        metrics: what downloads take is noted there.
    """

    def __init__(
        self,
        source: ModelSource,
        folder: Path,
        budget: int | None,
        give_up: Callable[[float], Awaitable[bool]],
        metrics: CacheMetrics,
    ) -> None:
        self.folder = folder
        self.bytes = 0
        self._source = source
        self._folders: OrderedDict[str, ModelFolder] = OrderedDict()
        self._held: set[str] = set()
        self._give_up = give_up
        self._metrics = metrics
        self._room = asyncio.Lock()
        self._turns = asyncio.Semaphore(DOWNLOADS_AT_ONCE)
        self._clear()
        self.budget = budget or int(shutil.disk_usage(folder).free * SHARE_OF_DISK)

    def __contains__(self, target_model: str) -> bool:
        return target_model in self._folders

    async def hold(self, target_model: str, until: float) -> ModelFolder:
        """A model's files, which stay until they are released.

        Args:
            target_model: which.
            until: when to give up, in seconds of the event loop's clock.

        Raises:
            ModelDataFailed: it is not in the store, or can't be unpacked.
            ModelLoadFailed: there is no room for it on the disk.
            ObjectsFailed: the store can't be read.
            TimeoutError: it was not there in time.
        """
        found = self._folders.get(target_model)
        if found is None:
            found = await self._bring(target_model, until)
        self._folders.move_to_end(target_model)
        self._held.add(target_model)
        return found

    def release(self, target_model: str) -> None:
        """Say that a model's files may be deleted when the disk is needed."""
        self._held.discard(target_model)

    async def delete(self, target_model: str) -> None:
        """Delete a model's files, where there are any."""
        self._held.discard(target_model)
        found = self._folders.pop(target_model, None)
        if found is not None:
            doomed = self._stage()
            (self.folder / found.name).rename(doomed)
            self.bytes -= found.bytes
            await in_daemon_thread(_delete, doomed)

    def close(self) -> None:
        """Delete all files; downloads under way are thrown away when they end."""
        self._folders.clear()
        self._held.clear()
        self.bytes = 0
        self._clear()

    async def _bring(self, target_model: str, until: float) -> ModelFolder:
        began = time.perf_counter()
        staged = await self._staged(target_model, until)
        try:
            async with self._room:
                while self.bytes + staged.bytes > self.budget:
                    await self._free_one(target_model, until)
            final = self.folder / staged.name
            if final.exists():  # of a model that was deleted a moment ago, or of another name
                _delete(final)
            staged.folder.rename(final)
        except BaseException:
            _delete(staged.folder)
            raise
        found = self._folders[target_model] = ModelFolder(staged.name, staged.bytes)
        self.bytes += staged.bytes
        self._metrics.downloading(time.perf_counter() - began)
        return found

    async def _staged(self, target_model: str, until: float) -> _Staged:
        """A model's files in a folder beside the others; others go where the disk is full."""
        while True:
            try:
                async with asyncio.timeout_at(until), self._turns:
                    return await in_daemon_thread(
                        self._fetch, target_model, unwanted=lambda staged: _delete(staged.folder)
                    )
            except DiskFull as error:
                log.warning("%s: models that are not loaded are deleted", error.cause)
                async with self._room:
                    await self._free_one(target_model, until)

    async def _free_one(self, target_model: str, until: float) -> None:
        """Delete the files of the model that was used least recently, of one not loaded if any is.

        Raises:
            ModelLoadFailed: there is none.
        """
        while (victim := self._victim()) is None:
            if not await self._give_up(until):
                raise ModelLoadFailed(
                    target_model,
                    INSUFFICIENT_STORAGE,
                    f"there is no room for it on the disk: {self.bytes} of {self.budget} bytes are "
                    "taken by models that are in use".encode(),
                )
        log.info("the files of model %s are deleted, to make room", victim)
        await self.delete(victim)

    def _victim(self) -> str | None:
        return next((each for each in self._folders if each not in self._held), None)

    def _fetch(self, target_model: str) -> _Staged:
        """Bring a model's files; in a thread."""
        source, stage = self._source, self._stage()
        key = source.key(target_model)
        address = source.bucket()
        try:
            address = source.store.address(key)
            place = source.path(target_model)
            if place is not None and place.exists() and not _is_archive(place):
                etag = unpack_model.etag_of(place)
                size = unpack_model.copy(place, stage / MODEL, self.budget)
            else:
                archive = stage / "archive"
                etag = source.store.fetch(key, archive).etag
                size = unpack_model.unpack(archive, stage / MODEL, self.budget)
                archive.unlink()
        except (NoSuchObject, NoAccess) as error:
            _delete(stage)
            raise ModelNotFound(source.bucket(), key, error.cause) from None
        except unpack_model.UnpackFailed as error:
            _delete(stage)
            raise ModelDataInvalid(address, str(error)) from None
        except unpack_model.TooLarge as error:
            _delete(stage)
            raise ModelLoadFailed(target_model, INSUFFICIENT_STORAGE, str(error).encode()) from None
        except BaseException:
            _delete(stage)
            raise
        return _Staged(stage, container_name(address, etag), size)

    def _stage(self) -> Path:
        """A name beside the models that nothing has yet."""
        return self.folder / STAGING / secrets.token_hex(8)

    def _clear(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for entry in self.folder.iterdir():
            if is_container_name(entry.name) or entry.name == STAGING:
                _delete(entry)
        (self.folder / STAGING).mkdir(exist_ok=True)


def _is_archive(place: Path) -> bool:
    return place.is_file() and place.name.endswith(ARCHIVE_SUFFIXES)


def _delete(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
