"""Which models have a name of their own in what is told, as each name is a series to be paid for.

Those that are invoked most have; what the rest counts is told as `other`. What was told under a
name once is never told under another one, so no sum goes down and nothing is told twice: a model
that comes to be among the first begins with what it counts from then on, and one that is not any
more ends, and counts under `other` from then on.
"""

from __future__ import annotations

from collections.abc import Mapping

from handler.metrics.figures import Figures
from handler.metrics.record_files import OTHER

# A model takes another one's place only if it is invoked so many times as often: two that are
# alike would change places again and again.
CLEARLY = 2


class LabelCap:
    """Tells figures under at most so many models' names.

    Args:
        most: how many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._named: set[str] = set()
        # What was told under its name, of each that is not named any more.
        self._own: dict[str, Figures] = {}
        self._elsewhere: dict[str, Figures] = {}  # told as `other`, of each

    def label(self, model: str) -> str:
        """What a model is told as."""
        return model if model in self._named else OTHER

    def told(self, figures: Mapping[str, Figures]) -> dict[str, Figures]:
        """What to tell, by label.

        Args:
            figures: what was counted of each model since the start.
        """
        self._choose({model: one.invocations for model, one in figures.items()}, figures)
        told: dict[str, Figures] = {}
        rest = Figures()
        for model, one in figures.items():
            if model in self._named:
                told[model] = self._without(one, self._elsewhere.get(model))
            else:
                self._elsewhere[model] = self._without(one, self._own.get(model))
        for elsewhere in self._elsewhere.values():
            rest.add(elsewhere)
        if self._elsewhere:
            told[OTHER] = rest
        return told

    @staticmethod
    def _without(figures: Figures, others: Figures | None) -> Figures:
        return figures if others is None else figures.minus(others)

    def _choose(self, uses: Mapping[str, int], figures: Mapping[str, Figures]) -> None:
        waiting = sorted(uses.keys() - self._named - {OTHER}, key=lambda one: (-uses[one], one))
        for model in waiting:
            if len(self._named) < self._most:
                self._name(model)
                continue
            least = min(self._named, key=lambda one: (uses.get(one, 0), one), default=None)
            if least is None or uses[model] <= CLEARLY * uses.get(least, 0):
                return
            self._own[least] = self._without(
                figures.get(least, Figures()), self._elsewhere.get(least)
            )
            self._named.discard(least)
            self._name(model)

    def _name(self, model: str) -> None:
        self._named.add(model)
        self._own.pop(model, None)
