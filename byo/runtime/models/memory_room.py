"""What the loaded models take together, and room for another one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Protocol

from byo.runtime.models.container_memory import ContainerMemory


class NoRoom(Exception):
    """Nothing was unloaded in time; the text says what was waited for."""


class Evict(Protocol):
    """Unloads the model that was used least recently."""

    def __call__(self, until: float, spare: str | None = None) -> Awaitable[int | None]:
        """The bytes that it took; None where no model is loaded.

        Args:
            until: when to give up, in seconds of the event loop's clock.
            spare: the TargetModel of one that stays.

        Raises:
            NoRoom: it could not be unloaded in time.
        """


class MemoryRoom:
    """The sum of what models take, against a budget.

    A load is promised its room before it begins. Who makes room does so alone, in the order of
    asking, so that nobody takes what another one has just freed.

    Args:
        budget: bytes for the container, or for all models together where `memory` does not know
            what it takes without them; None for no budget.
        evict: unloads one model.
        memory: what the container takes beside what is known of its models.
    """

    def __init__(self, budget: int | None, evict: Evict, memory: ContainerMemory) -> None:
        self.budget = budget
        self.memory = memory
        self.taken = self.promised = 0
        # Models that are loaded, or being so.
        self.count = 0
        # Loads that the container is at work on, and unloads: each will make a difference.
        self._under_way = 0
        self._evict = evict
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    async def promise(self, size: int, until: float) -> None:
        """Make room for a load, and keep it for that.

        A model that is larger than the whole budget is tried when it is alone: the container may
        know better.

        Raises:
            NoRoom: there was none in time.
        """
        await self.memory.begin()
        async with self._turn:
            while self._over(size, 1):
                if await self._evict(until) is None and not await self._change(until):
                    break
            self.promised += size
            self.count += 1
            self._under_way += 1

    def loaded(self, promised: int, size: int) -> None:
        """A load has ended well; its model takes `size` bytes."""
        self.taken += size
        self.promised -= promised
        self._ended()

    def failed(self, promised: int) -> None:
        """A load has ended, and takes nothing."""
        self.promised -= promised
        self.count -= 1
        self._ended()

    def unloading(self) -> None:
        """A model is being unloaded."""
        self._under_way += 1

    def unloaded(self, size: int) -> None:
        """A model has been unloaded, and took `size` bytes."""
        self.taken -= size
        self.count -= 1
        self._ended()

    def kept(self) -> None:
        """A model stays after all."""
        self._ended()

    def lost(self, size: int) -> None:
        """The container has lost a model by itself."""
        self.taken -= size
        self.count -= 1
        self._changed.set()

    async def free(self, size: int, least: int, until: float) -> bool:
        """Unload so many models, and as many more as take so many bytes, for a load refused.

        Where there is none to unload, the end of another load is waited for.

        Args:
            size: bytes to free at least.
            least: models to unload at least, where there are so many.
            until: when to give up, in seconds of the event loop's clock.

        Returns:
            Whether the load may succeed now.

        Raises:
            NoRoom: nothing was unloaded in time.
        """
        self._ended()  # the container is not at work on it meanwhile
        try:
            async with self._turn:
                freed = count = 0
                while freed < size or count < least:
                    gone = await self._evict(until)
                    if gone is None:
                        return bool(count) or await self._change(until)
                    freed += gone
                    count += 1
                return True
        finally:
            self._under_way += 1

    async def shrink(self, spare: str, until: float) -> None:
        """Unload models until the budget is kept, where they take more than was expected.

        Raises:
            NoRoom: nothing was unloaded in time.
        """
        if self.budget is None:
            return
        await self.memory.measure(lambda: (self.count, self.taken))
        async with self._turn:
            while self._over(0) and await self._evict(until, spare) is not None:
                pass

    def _over(self, size: int, models: int = 0) -> bool:
        """Whether the budget would be passed by so many bytes, and so many models, more."""
        if self.budget is None:
            return False
        beside = self.memory.beside(self.count + models)
        return beside + self.taken + self.promised + size > self.budget

    async def _change(self, until: float) -> bool:
        """Wait for what is under way to make a difference; False where nothing is."""
        if not self._under_way:
            return False
        self._changed.clear()
        try:
            async with asyncio.timeout_at(until):
                await self._changed.wait()
        except TimeoutError:
            raise NoRoom("the loads of other models did not end in time") from None
        return True

    def _ended(self) -> None:
        self._under_way -= 1
        self._changed.set()
