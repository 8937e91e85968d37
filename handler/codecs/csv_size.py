"""What a CSV body will take, by its separators alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from contract.columns import Kind
from handler.codecs.budget import NUMBER, OBJECT, Budget


def check_size(text: str, budget: Budget) -> None:
    """Refuse a body of too many rows, columns or cells, before it is split.

    Raises:
        PayloadTooLarge: it has too many; names the limit.
    """
    rows = _rows(text)
    budget.rows(rows)
    ends = [end for end in (text.find("\n"), text.find("\r")) if end >= 0]
    budget.columns(text.count(",", 0, min(ends, default=len(text))) + 1)
    cells = text.count(",") + rows
    # First the text twice beside numbers as pyarrow has them, then those and the model's own.
    budget.memory(max(cells * NUMBER, cells * NUMBER // 2 + 2 * sys.getsizeof(text)))


def check_texts(text: str, kinds: Sequence[Kind], budget: Budget) -> None:
    """Refuse a body whose columns of text would become too many objects.

    Args:
        text: the body.
        kinds: the columns' kinds, as its first rows have them.
        budget: what it may take.

    Raises:
        PayloadTooLarge: they would.
    """
    texts = sum(kind in ("string", "boolean") for kind in kinds)
    budget.memory(_rows(text) * texts * OBJECT + 2 * sys.getsizeof(text))


def _rows(text: str) -> int:
    return max(text.count("\n"), text.count("\r")) + 1
