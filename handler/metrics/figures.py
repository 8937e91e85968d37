"""What was counted of one model, as numbers that can be added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from handler.metrics.layout import CELLS

Cells = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """What user code measured under one name: how often, and the sum."""

    times: float = 0.0
    sum: float = 0.0

    def plus(self, other: Measured, sign: int = 1) -> Measured:
        """The two together, or the one without the other."""
        return Measured(self.times + sign * other.times, self.sum + sign * other.sum)


@dataclass
class Figures:
    """What was counted of one model.

    Args:
        cells: what the processes of the model have counted (handler/metrics/layout.py).
        users: what user code measured, by name.
        codes: how many invocations were answered with each status, as the frontend says.
    """

    cells: Cells = field(default_factory=lambda: np.zeros(CELLS))
    users: dict[str, Measured] = field(default_factory=dict)
    codes: Counter[str] = field(default_factory=Counter)

    @property
    def invocations(self) -> int:
        """How many were answered."""
        return self.codes.total()

    def add(self, other: Figures, sign: int = 1) -> None:
        """Add others, or take them away."""
        self.cells = self.cells + sign * other.cells
        for name, measured in other.users.items():
            self.users[name] = self.users.get(name, Measured()).plus(measured, sign)
        for code, number in other.codes.items():
            self.codes[code] += sign * number

    def plus(self, other: Figures) -> Figures:
        """Both together."""
        together = Figures()
        together.add(self)
        together.add(other)
        return together

    def minus(self, other: Figures) -> Figures:
        """What is more here than there."""
        rest = Figures()
        rest.add(self)
        rest.add(other, -1)
        return rest


def total(of_models: Mapping[str, Figures]) -> Figures:
    """What was counted of all models together."""
    everything = Figures()
    for figures in of_models.values():
        everything.add(figures)
    return everything
