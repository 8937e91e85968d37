"""What a CSV body will take, by its separators alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from contract.columns import Kind
from handler.codecs.budget import NUMBER, OBJECT, Budget

_MARKS = tuple(b",\n\r")
# What is looked at three times stays near the processor meanwhile.
_PART = 256 * 1024


class CsvSize:
    """The rows and cells of a body, counted before it is split.

    Args:
        text: the body.
        utf8: the same, as UTF-8.
    """

    def __init__(self, text: str, utf8: bytes) -> None:
        commas, feeds, returns = _count_marks(utf8)
        self._held = 2 * sys.getsizeof(text)
        self._rows = max(feeds, returns) + 1
        self._cells = commas + self._rows
        ends = [end for end in (utf8.find(b"\n"), utf8.find(b"\r")) if end >= 0]
        self._columns = utf8.count(b",", 0, min(ends, default=len(utf8))) + 1

    def check(self, budget: Budget) -> None:
        """Refuse a body of too many rows, columns or cells.

        Raises:
            PayloadTooLarge: it has too many; names the limit.
        """
        budget.rows(self._rows)
        budget.columns(self._columns)
        # First the text twice beside numbers as pyarrow has them, then those and the model's own.
        budget.memory(max(self._cells * NUMBER, self._cells * NUMBER // 2 + self._held))

    def check_texts(self, kinds: Sequence[Kind], budget: Budget) -> None:
        """Refuse a body whose columns of text would become too many objects.

        Args:
            kinds: the columns' kinds, as its first rows have them.
            budget: what it may take.

        Raises:
            PayloadTooLarge: they would.
        """
        texts = sum(kind in ("string", "boolean") for kind in kinds)
        budget.memory(self._rows * texts * OBJECT + self._held)


def _count_marks(utf8: bytes) -> list[int]:
    """How many there are of each mark; Python's own count takes ten times as long."""
    data = np.frombuffer(utf8, np.uint8)
    counts = [0] * len(_MARKS)
    for start in range(0, len(data), _PART):
        part = data[start : start + _PART]
        for place, mark in enumerate(_MARKS):
            counts[place] += int(np.count_nonzero(part == mark))
    return counts
