"""One container of a variant: what SageMaker calls an instance."""

from __future__ import annotations

import shutil
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from byo.runtime.models import ModelCache
from byo.served_container import Answer, Headers, Incoming, ServedContainer

INVOCATIONS = "/invocations"


class Instance:
    """A container that answers invocations.

    `lost` says how many of them it did not answer, `moved` how many it was at work on when the
    traffic moved to another one.

    Args:
        container: it runs, and is healthy.
        folder: what it was started with; removed with it.
        cache: where it has many models: those of them that it has loaded.
    """

    def __init__(
        self, container: ServedContainer, folder: Path, cache: ModelCache | None = None
    ) -> None:
        self.container = container
        self.cache = cache
        self.folder = folder
        self.lost = self.moved = 0

    @property
    def under_way(self) -> int:
        """How many requests it is at work on."""
        if self.cache is not None:
            return self.cache.under_way
        return self.container.connections.busy

    async def invoke(
        self, target_model: str | None, headers: Headers, body: bytes, timeout: float
    ) -> Answer:
        """Send one invocation.

        Raises:
            TimeoutError: there was no whole answer in time.
            ContainerUnreachable: it can't be reached, or broke off.
            ModelUnavailable: of many models, the target can't answer.
        """
        if self.cache is not None:
            return await self.cache.invoke(target_model or "", headers, body, timeout=timeout)
        return await self.container.connections.request(
            "POST", INVOCATIONS, headers, body, timeout=timeout
        )

    def stream(
        self, headers: Headers, body: bytes, timeout: float
    ) -> AbstractAsyncContextManager[Incoming]:
        """Send one invocation whose answer is read as it comes.

        Raises:
            TimeoutError: it was not whole in time.
            ContainerUnreachable: it can't be reached, or broke off.
        """
        return self.container.connections.stream(
            "POST", INVOCATIONS, headers, body, timeout=timeout
        )

    async def stop(self, seconds: float) -> None:
        """SIGTERM, then SIGKILL; what it was started with goes, but for its log.

        Invocations that wait for one of many models are given as long to be answered first.
        """
        if self.cache is not None:
            await self.cache.close(seconds)
        await self.container.stop(seconds)
        shutil.rmtree(self.folder, ignore_errors=True)
