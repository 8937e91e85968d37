"""What a container takes as a whole, and so what its models take beside what it tells of them.

A container tells little: ours what a model's load added to its process, others nothing. What each
model costs beside that, a process, its threads, its share of the server, shows in what the
container takes with few and with many of them.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable

from byo.runtime.models.daemon_thread import in_daemon_thread

log = logging.getLogger(__name__)

# Measuring takes some hundred milliseconds for as many processes, and seconds where docker has to
# be asked: it is done for a twentieth of the time at most.
LEAST_SECONDS = 2.0
LEAST_PAUSE = 20
# No process takes less; where many models share one, this is the price of caution.
LEAST_EACH = 1024 * 1024
# Whatever is measured, so much of a budget is for models.
LEAST_SHARE = 0.1

Measure = Callable[[], int | None]
"""Says how many bytes a container takes now; None where that can't be known. It may block."""


class ContainerMemory:
    """What a container takes beside what is known of its models.

    That is seen as a part that is the container's own and one for each model. The second is taken
    from measurements with different numbers of models; what else changes is the container's own.

    Args:
        measure: of the container; None where it can't be measured.
        budget: what the container may take, in bytes.
    """

    def __init__(self, measure: Measure | None, budget: int | None) -> None:
        self._measure = measure if budget is not None else None
        self._own_at_most = int((budget or 0) * (1 - LEAST_SHARE))
        self._own = self._each = 0
        self._last: tuple[int, int] | None = None  # models, and what they and the container took
        self._next = 0.0
        self._warned = False
        self._began: asyncio.Task[int | None] | None = None

    def beside(self, count: int) -> int:
        """What it takes with so many models, beside what is known of them."""
        return self._own + count * self._each

    async def begin(self) -> None:
        """Measure it while it has no models; later calls wait for the first, or do nothing."""
        if self._measure is not None and self._last is None:
            if self._began is None:
                self._began = asyncio.create_task(in_daemon_thread(self._measure))
            taken = await asyncio.shield(self._began)
            if taken is None:
                self._measure = None
            elif self._last is None:
                self._note(0, taken)

    async def measure(self, known: Callable[[], tuple[int, int]]) -> None:
        """Measure it again, unless that was done a moment ago.

        Args:
            known: gives how many models it has, or is loading, and what is known of all together.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        if self._measure is None or began < self._next:
            return
        self._next = math.inf
        before, _ = known()
        try:
            taken = await in_daemon_thread(self._measure)
        finally:
            ended = loop.time()
            self._next = ended + max(LEAST_SECONDS, LEAST_PAUSE * (ended - began))
        count, size = known()
        if taken is not None:
            # Where models come and go meanwhile, the larger number is nearer to what was measured.
            self._note(max(count, before), taken - size)

    def _note(self, count: int, taken: int) -> None:
        last_count, last_taken = self._last or (count, taken)
        change = count - last_count
        if self._last is None:
            self._last, self._each = (count, taken), LEAST_EACH
        elif abs(change) >= max(2, count // 8):
            slope = max(LEAST_EACH, (taken - last_taken) // change)
            self._each = (self._each + slope) // 2 if last_count else slope
            self._last = (count, taken)
        own = max(0, taken - count * self._each)
        if own > self._own_at_most and not self._warned:
            self._warned = True
            log.warning(
                "the container takes %d MB beside its models, nearly all of its budget or more: "
                "few models stay loaded",
                own // 1024**2,
            )
        self._own = min(own, self._own_at_most)
