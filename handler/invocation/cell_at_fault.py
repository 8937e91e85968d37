"""Where in a model's input the cell is that a library complains of, going by what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from handler.codecs.charset import quote
from handler.invocation.model_input import first_not_finite

_QUOTED = re.compile(r"'([^']{1,200})'|\"([^\"]{1,200})\"")
_OF_TYPES = ("dtypes", "could not convert", "Cannot convert", "must be integer or string")


@dataclass(frozen=True)
class CellAtFault:
    """A cell: its row, counted from 1, its column's name or position, and the value, if said."""

    row: int
    column: str | int
    given: str = ""


def cell_at_fault(sentence: str, data: Any) -> CellAtFault | None:
    """The first cell that a sentence of scikit-learn's or a booster's can mean; None if none can.

    Args:
        sentence: what the library says.
        data: what the model was given.
    """
    if "NaN" in sentence or "infinity" in sentence:
        place = first_not_finite(data)
        return CellAtFault(*place) if place else None
    if not isinstance(data, pd.DataFrame | np.ndarray) or data.ndim != 2 or sparse.issparse(data):
        return None
    quoted = {first or second for first, second in _QUOTED.findall(sentence)}
    if quoted and (found := _first(data, lambda value: _is_text(value) and value in quoted)):
        return found
    if any(word in sentence for word in _OF_TYPES):
        return _first(data, _is_text)
    if "egative values" in sentence:
        return _first(data, lambda value: isinstance(value, int | float) and value < 0)
    return None


def _first(data: Any, is_fault: Callable[[Any], bool]) -> CellAtFault | None:
    """The first cell, row by row, that is at fault."""
    table = data if isinstance(data, pd.DataFrame) else pd.DataFrame(data)
    named = isinstance(data, pd.DataFrame)
    found: list[tuple[int, int, Any]] = []
    for position in range(table.shape[1]):
        for row, value in enumerate(table.iloc[:, position].tolist()):
            if is_fault(value):
                found.append((row, position, value))
                break
    if not found:
        return None
    row, position, value = min(found, key=lambda each: each[:2])
    column = str(table.columns[position]) if named else position + 1
    return CellAtFault(row + 1, column, f" ({quote(value)})")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
