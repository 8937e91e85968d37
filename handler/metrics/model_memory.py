"""How much memory a model's processes take: their share of what they have, as the kernel tells it.

What several processes share is divided among them (PSS), so the sum over all models is what all of
them take. To ask costs the kernel a look at each page, so it is asked seldom, and for so long only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

# For so long what was told stands.
KEPT_SECONDS = 10.0
# For so long it is asked at a time; what was not asked by then is as it was told before.
ASKING_SECONDS = 0.25
_KIBIBYTE = 1024


def share_of(pid: int) -> int | None:
    """The bytes that a process takes, its share of what it has in common with others among them.

    Returns:
        None where the process has ended, or the kernel does not tell.
    """
    try:
        lines = Path("/proc", str(pid), "smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("Pss:"):
            return int(line.split()[1]) * _KIBIBYTE
    return None


class ModelMemory:
    """The memory of each model's processes.

    Args:
        ask: tells what a process takes.
        clock: the time in seconds.
    """

    def __init__(
        self,
        ask: Callable[[int], int | None] = share_of,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._known: dict[int, tuple[float, int | None]] = {}  # process -> when asked, what it told

    def of_models(self, models_of: Mapping[int, set[str]]) -> dict[str, int]:
        """The bytes of each model; of one that shares its process with others nothing is known.

        Args:
            models_of: the models that each process holds.
        """
        self._known = {pid: told for pid, told in self._known.items() if pid in models_of}
        alone = {pid: next(iter(models)) for pid, models in models_of.items() if len(models) == 1}
        self._refresh(alone)
        sums: dict[str, int] = {}
        for pid, model in alone.items():
            _, told = self._known.get(pid, (0.0, None))
            if told is not None:
                sums[model] = sums.get(model, 0) + told
        return sums

    def _refresh(self, pids: Mapping[int, str]) -> None:
        """Ask of those that were asked longest ago, while there is time."""
        began = self._clock()
        never = (-KEPT_SECONDS, None)
        for pid in sorted(pids, key=lambda one: self._known.get(one, never)[0]):
            now = self._clock()
            asked, _ = self._known.get(pid, (now - KEPT_SECONDS, None))
            if now - asked < KEPT_SECONDS or now - began > ASKING_SECONDS:
                return
            self._known[pid] = now, self._ask(pid)
