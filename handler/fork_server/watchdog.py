"""Compares the models that the frontend has with those that live here, and tells what disagrees.

All else here is told of what happens. This looks, now and then, whether the sum of it is right: for
the case that something was not told, or was told wrongly.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from handler.processes.launch_request import LaunchRequest

logger = logging.getLogger(__name__)

ROUND_SECONDS = 15.0
# After the start, and where something has been seen to disagree: that may pass by itself, as a
# model is being loaded or unloaded.
SOON_SECONDS = 2.0


class Frontend(Protocol):
    """What asks the frontend: see `FrontendModels`."""

    def list(self, when_listed: Callable[[set[str] | None], None]) -> None: ...
    def forget(self, models: Collection[str]) -> None: ...


class Held(Protocol):
    """What has the models here: see `Placements`."""

    def names(self) -> Mapping[LaunchRequest, str]: ...
    def deserted(self) -> set[str]: ...
    def check(self, request: LaunchRequest) -> None: ...


class Watchdog:
    """Two rounds in a row in which the same disagrees are needed before anything is done.

    Args:
        frontend: what asks the frontend.
        clock: the time in seconds.
    """

    def __init__(self, frontend: Frontend, clock: Callable[[], float] = time.monotonic) -> None:
        self._frontend = frontend
        self._clock = clock
        self._due_at = clock() + SOON_SECONDS
        self._is_under_way = False
        self._unserved: set[str] = set()
        self._unlisted: set[LaunchRequest] = set()

    def look_after(self, held: Held) -> None:
        """Begin a round, if it is time; called now and then."""
        if self._is_under_way or self._clock() < self._due_at:
            return
        self._is_under_way = True
        before = dict(held.names())
        self._frontend.list(lambda listed: self._listed(held, before, listed))

    def _listed(
        self, held: Held, before: Mapping[LaunchRequest, str], listed: set[str] | None
    ) -> None:
        self._is_under_way = False
        self._due_at = self._clock() + ROUND_SECONDS
        if listed is None:
            return
        now = held.names()
        unserved = (listed - set(before.values()) - set(now.values())) | listed & held.deserted()
        unlisted = {one for one in before if one in now and one.model not in listed}
        self._end_unserved(unserved & self._unserved)
        for one in unlisted & self._unlisted:
            logger.warning("model %r lives, and the frontend does not list it", one.model)
            held.check(one)
        if unserved or unlisted:
            self._due_at = self._clock() + SOON_SECONDS
        self._unserved, self._unlisted = unserved, unlisted

    def _end_unserved(self, models: set[str]) -> None:
        """Nobody would ever answer for them: who loads one anew gets one that answers."""
        for model in sorted(models):
            logger.warning(
                "model %r is registered with the frontend, and nobody serves it: "
                "it is unregistered, and can be loaded again",
                model,
            )
        if models:
            self._frontend.forget(models)
