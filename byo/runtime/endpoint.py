"""An endpoint: its variants, and which of them answers a request."""

from __future__ import annotations

import asyncio
import random
import time
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

from byo.runtime.configuration import EndpointConfiguration, RuntimeSettings
from byo.runtime.runtime_metrics import RuntimeMetrics
from byo.runtime.sessions import Sessions
from byo.runtime.variant import State, Variant
from byo.runtime.wire_errors import ValidationError
from byo.runtime.wire_fields import NEW_SESSION

if TYPE_CHECKING:
    from byo.runtime.async_jobs import AsyncJobs


class Endpoint:
    """An endpoint of the Runtime.

    Args:
        configuration: what it is.
        settings: of the Runtime.
        metrics: of the Runtime.
    """

    def __init__(
        self,
        configuration: EndpointConfiguration,
        settings: RuntimeSettings,
        metrics: RuntimeMetrics,
    ) -> None:
        self.name = configuration.name
        self.asynchronous = configuration.asynchronous
        self.jobs: AsyncJobs | None = None  # once the Runtime runs, where it is asynchronous
        self.sessions = Sessions()
        self.created = self.modified = time.time()
        self.updating = False
        self.variants = {
            each.name: Variant(self.name, each, settings, metrics.of_variant(self.name, each.name))
            for each in configuration.variants
        }
        self.weigh()

    def weigh(self) -> None:
        """Take the variants' weights as they are now."""
        self._by_weight = list(self.variants.values())
        self._bounds = list(accumulate(variant.weight for variant in self._by_weight))

    @property
    def status(self) -> str:
        """``EndpointStatus``, as DescribeEndpoint tells it."""
        states = {variant.state for variant in self.variants.values()}
        if State.FAILED in states:
            return State.FAILED.value
        if State.CREATING in states:
            return State.CREATING.value
        return "Updating" if self.updating else State.IN_SERVICE.value

    @property
    def ready(self) -> bool:
        """Whether each variant has had a healthy container."""
        return all(each.state is not State.CREATING for each in self.variants.values())

    async def start(self) -> None:
        """Start the containers of all variants, side by side.

        Raises:
            ByoError: the first that can't be started.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for variant in self.variants.values():
                    group.create_task(variant.start())
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        self.modified = time.time()

    async def stop(self, seconds: float) -> None:
        """Stop all containers."""
        await asyncio.gather(*(each.stop(seconds) for each in self.variants.values()))

    def variant_for(self, given: dict[str, str]) -> Variant:
        """The variant that answers a request.

        Args:
            given: the request's fields by their members' names.

        Raises:
            ValidationError: it names a variant or a session that there is none of.
        """
        session, target = given.get("SessionId"), given.get("TargetVariant")
        if session and session != NEW_SESSION:
            variant = self.sessions.variant_of(session)
            if variant is None:
                raise ValidationError(
                    f"Session {session} of endpoint {self.name} is unknown, has expired, or its "
                    "container has gone."
                )
            return variant
        if target is not None:
            if target not in self.variants:
                raise ValidationError(f"Variant {target} of endpoint {self.name} not found.")
            return self.variants[target]
        if len(self._by_weight) == 1:
            return self._by_weight[0]
        drawn = random.random() * self._bounds[-1]  # noqa: S311
        return self._by_weight[bisect_right(self._bounds, drawn, hi=len(self._bounds) - 1)]
