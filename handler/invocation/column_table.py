"""Checked columns that become a data frame only where someone needs one.

A frame costs more than most models take for a row; the short ways to predictions do without.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd


class ColumnTable:
    """Columns of one length under their names.

    Args:
        labels: the columns' names, as an index of pandas.
        columns: their values, each as it goes into a data frame.
    """

    __slots__ = ("_frame", "columns", "labels", "shape")

    def __init__(self, labels: Any, columns: Sequence[Any]) -> None:
        self.labels = labels
        self.columns = columns
        self.shape = (len(columns[0]), len(columns))
        self._frame: pd.DataFrame | None = None

    def frame(self) -> pd.DataFrame:
        """The same as a data frame."""
        if self._frame is None:
            self._frame = pd.DataFrame(dict(enumerate(self.columns)), copy=False)
            self._frame.columns = self.labels
        return self._frame

    @classmethod
    def merged(cls, tables: Sequence[ColumnTable]) -> ColumnTable:
        """The rows of several tables of one kind."""
        alike = zip(*(table.columns for table in tables), strict=True)
        return cls(tables[0].labels, [_joined(parts) for parts in alike])


def is_certain(column: Any) -> bool:
    """Whether a data frame takes a column as it is: the type of bare objects it would guess."""
    return not (isinstance(column, np.ndarray) and column.dtype.kind not in "biufM")


def column_arrays(frame: pd.DataFrame) -> list[Any]:
    """The columns of a data frame, each as numpy or pandas holds it, of shape (rows,)."""
    one: Any = getattr(frame, "_get_column_array", None)  # without a series around it
    if one is None:
        return [frame.iloc[:, position].array for position in range(frame.shape[1])]
    return [one(position) for position in range(frame.shape[1])]


def _joined(parts: Sequence[Any]) -> Any:
    first = parts[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    if isinstance(first, pd.Series):
        concat: Any = pd.concat  # its types don't know that all parts are of one
        return concat(parts, ignore_index=True)
    return type(first)._concat_same_type(parts)
