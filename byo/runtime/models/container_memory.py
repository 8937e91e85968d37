"""What a container takes of memory as a whole, and so what its models take beside what it tells.

A container tells little: ours what a model's load added to its process, others nothing. What each
model costs beside that, a process, its threads, its share of the server, is measured: what the
container takes now, less what it took without models and what is known of those that it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# Measuring takes milliseconds for a hundred processes, and seconds where docker has to be asked.
LEAST_SECONDS = 2.0

Measure = Callable[[], int | None]
"""Says how many bytes a container takes now; None where that can't be known. It may block."""


class ContainerMemory:
    """What a container takes beside what is known of its models.

    Args:
        measure: of the container; None where it can't be measured.
    """

    def __init__(self, measure: Measure | None) -> None:
        self.without_models = 0
        self.each_model = 0
        self._measure = measure
        self._measured = float("-inf")
        self._began: asyncio.Task[int | None] | None = None

    async def begin(self) -> None:
        """Measure it while it has no models; later calls wait for the first, or do nothing."""
        if self._measure is not None and self._measured == float("-inf"):
            if self._began is None:
                self._began = asyncio.create_task(asyncio.to_thread(self._measure))
            taken = await asyncio.shield(self._began)
            self.without_models = taken or 0
            self._measured = asyncio.get_running_loop().time()

    async def measure(self, known: Callable[[], tuple[int, int]]) -> None:
        """Measure it again, unless that was done a moment ago.

        Args:
            known: gives how many models it has, or is loading, and what is known of all together.
        """
        now = asyncio.get_running_loop().time()
        if self._measure is None or now - self._measured < LEAST_SECONDS:
            return
        self._measured = now
        before, _ = known()
        taken = await asyncio.to_thread(self._measure)
        count, size = known()
        # Where models come and go meanwhile, the larger number is nearer to what was measured.
        if taken is not None and max(count, before):
            over = taken - self.without_models - size
            self.each_model = max(0, over // max(count, before))
