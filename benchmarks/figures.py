"""What a measure gives: a value for each stack and round, and what is made of them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

# The units of what is no quantity to be compared.
ERRORS = "errors"
CPUS = "CPUs"
SHARE = "share"


@dataclass(frozen=True)
class Figure:
    """One thing that was measured.

    Args:
        name: what it is called in files and by targets.
        title: what it is called in tables.
        unit: of the values.
        values: by the stack's name, one value for each round, in the rounds' order.
    """

    name: str
    title: str
    unit: str
    values: Mapping[str, Sequence[float]]

    @property
    def compared(self) -> bool:
        """Whether to ask how many times as much it is of another stack."""
        return self.unit not in (ERRORS, CPUS, SHARE)

    def spread(self, stack: str) -> Spread | None:
        """The stack's values in short, if it has any."""
        return spread(self.values.get(stack, ()))

    def ratio(self, stack: str, against: str) -> Spread | None:
        """One stack's values as multiples of another's, each of the same round.

        Whatever else the machine did in a round fell on both.
        """
        pairs = zip(self.values.get(stack, ()), self.values.get(against, ()), strict=False)
        return spread([value / other for value, other in pairs if other])


class Spread(NamedTuple):
    """The median of some values, the least and the greatest."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread | None:
    """A spread, or None of no values."""
    if not values:
        return None
    return Spread(statistics.median(values), min(values), max(values))
