"""A production variant: the container that answers for it now, and what becomes of it."""

from __future__ import annotations

import asyncio
import enum
import logging
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

from byo.command_errors import EndpointFailed
from byo.runtime.configuration import RuntimeSettings, VariantConfiguration
from byo.runtime.instance import Instance
from byo.runtime.runtime_metrics import VariantMetrics
from byo.runtime.start_instance import start_instance
from byo.runtime.wire_errors import ServiceUnavailable
from byo.served_container import STOP_SECONDS, Answer, ContainerUnreachable, Headers, Incoming

log = logging.getLogger(__name__)


class State(enum.Enum):
    """What a variant's container is doing.

    CREATING → IN_SERVICE, once the first container is healthy.
    IN_SERVICE → FAILED, where it ended or is no longer healthy; → IN_SERVICE, once another one is.
    Any → STOPPED, for good.
    """

    CREATING = "Creating"
    IN_SERVICE = "InService"
    FAILED = "Failed"
    STOPPED = "Stopped"


class Variant:
    """A variant of an endpoint.

    Args:
        endpoint: the endpoint's name.
        configuration: what it is.
        settings: of the Runtime.
        metrics: its own.
    """

    def __init__(
        self,
        endpoint: str,
        configuration: VariantConfiguration,
        settings: RuntimeSettings,
        metrics: VariantMetrics,
    ) -> None:
        self.endpoint = endpoint
        self.configuration = configuration
        self.weight = configuration.weight
        self.metrics = metrics
        self.state = State.CREATING
        self.failure: str | None = None
        self.instance: Instance | None = None
        self.suspected = asyncio.Event()
        self._folder = settings.folder / endpoint / configuration.name
        self._log = settings.folder / endpoint / f"{configuration.name}.log"
        self._serials = count(1)
        self._changing = asyncio.Lock()

    @property
    def name(self) -> str:
        return self.configuration.name

    async def invoke(
        self, target_model: str | None, headers: Headers, body: bytes, timeout: float
    ) -> tuple[Answer, Instance]:
        """Send one invocation to the container that answers now.

        Where that has given way to another one before the request was on its way, the other one
        gets it.

        Raises:
            ServiceUnavailable: there is no container now.
            TimeoutError: there was no whole answer in time.
            ContainerUnreachable: the container broke off.
        """
        while True:
            instance = self._instance()
            try:
                return await instance.invoke(target_model, headers, body, timeout), instance
            except ContainerUnreachable as error:
                self._heed(instance, error)

    def _heed(self, instance: Instance, error: ContainerUnreachable) -> None:
        """Raise an error again, unless the request can go to a container that has taken over."""
        if error.sent or instance is self.instance:
            instance.lost += 1
            self.suspected.set()
            raise error

    @asynccontextmanager
    async def stream(
        self, headers: Headers, body: bytes, timeout: float
    ) -> AsyncIterator[Incoming]:
        """Send one invocation whose answer is read as it comes, as `invoke` does.

        Raises:
            ServiceUnavailable: there is no container now.
            TimeoutError: it was not whole in time.
            ContainerUnreachable: the container broke off.
        """
        async with AsyncExitStack() as stack:
            while True:
                instance = self._instance()
                try:
                    incoming = await stack.enter_async_context(
                        instance.stream(headers, body, timeout)
                    )
                    break
                except ContainerUnreachable as error:
                    self._heed(instance, error)
            try:
                yield incoming
            except ContainerUnreachable as error:
                self._heed(instance, error)

    def _instance(self) -> Instance:
        if self.instance is None:
            raise ServiceUnavailable(
                f"Variant {self.name} of endpoint {self.endpoint} has no healthy container: "
                f"{self.failure or self.state.value}"
            )
        return self.instance

    async def start(self) -> None:
        """Start the first container.

        Raises:
            ByoError: it can't be started; says why.
        """
        async with self._changing:
            await self._replace(self.configuration)

    async def update(self, configuration: VariantConfiguration) -> Instance | None:
        """Another container takes over, without a gap: the old one is stopped after that.

        Returns:
            The old one, stopped; None where there was none.

        Raises:
            ByoError: the new one can't be started; the old one goes on.
        """
        async with self._changing:
            old = await self._replace(configuration)
            self.weight = configuration.weight
            if old is not None:
                old.moved = old.under_way
                await old.stop(STOP_SECONDS)
            return old

    def failed(self, why: str) -> None:
        """Say that there is no healthy container now, and why."""
        self.state, self.failure = State.FAILED, why

    async def restart(self, failed: Instance | None) -> None:
        """Take a container that has failed away, and start another one.

        Args:
            failed: the container; where another one has taken its place already, that stays.

        Raises:
            ByoError: it can't be started.
        """
        async with self._changing:
            if self.instance is not failed:
                return
            self.instance = None
            if failed is not None:
                await failed.stop(STOP_SECONDS)
            await self._replace(self.configuration)
            self.metrics.restarts.inc()

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Stop for good."""
        self.state = State.STOPPED
        if self.instance is not None:
            await self.instance.stop(seconds)

    async def _replace(self, configuration: VariantConfiguration) -> Instance | None:
        """Start a container and have it answer from now on; the one that did so before."""
        serial = next(self._serials)
        folder = self._folder / str(serial)
        shutil.rmtree(folder, ignore_errors=True)
        printed = self._log.with_suffix(f".{serial}.log")
        started = await start_instance(configuration, self.metrics, folder, printed)
        if self.state is State.STOPPED:  # nobody would stop it any more
            await started.stop(STOP_SECONDS)
            raise EndpointFailed(f"endpoint {self.endpoint} was stopped meanwhile")
        old, self.instance = self.instance, started
        self.configuration = configuration
        self.state, self.failure = State.IN_SERVICE, None
        self.suspected.clear()
        return old
