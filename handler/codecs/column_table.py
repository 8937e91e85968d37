"""A table's columns, which become a data frame only where someone needs one.

A frame costs more than most models take for a row; neither the check of what a model takes nor
the short ways to predictions need one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from handler.codecs.wide_frame import frame_of


class ObjectColumn:
    """A column of Python objects, and the type that a data frame is to have for them.

    To make that type of pandas' own costs more than all else that is done for a row.

    Args:
        values: the objects; a missing one as the type would give it back.
        dtype: ``object`` itself, for what pandas would make another type of by itself, or the
            type of texts.
    """

    __slots__ = ("dtype", "values")

    def __init__(self, values: np.ndarray[Any, Any], dtype: Any) -> None:
        self.values = values
        self.dtype = dtype

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self.values if dtype is None else self.values.astype(dtype, copy=False)
        return array.copy() if copy else array

    def copy(self) -> ObjectColumn:
        """The same objects in an array of its own."""
        return ObjectColumn(self.values.copy(), self.dtype)

    def held(self) -> Any:
        """The same as pandas holds it."""
        if self.dtype == np.dtype(object):
            return pd.Series(self.values, dtype=object)
        return pd.array(self.values, dtype=self.dtype)


class ColumnTable:
    """Columns of one length, under their names or only numbered.

    Args:
        labels: the columns' names, or an index of pandas; None where they are only numbered.
        columns: their values, each as it goes into a data frame.
        of_records: whether each row named its own values, and may have left some out.
    """

    __slots__ = ("_frame", "columns", "labels", "of_records", "shape")

    def __init__(self, labels: Any, columns: Sequence[Any], *, of_records: bool = False) -> None:
        self.labels = labels
        self.columns = columns
        self.of_records = of_records
        self.shape = (len(columns[0]) if columns else 0, len(columns))
        self._frame: pd.DataFrame | None = None

    def frame(self) -> pd.DataFrame:
        """The same as a data frame."""
        if self._frame is None:
            places = range(len(self.columns))
            keys = places if self.labels is None else list(places)
            self._frame = frame_of(keys, list(map(held, self.columns)))
            if self.labels is not None:
                self._frame.columns = (
                    self.labels if isinstance(self.labels, pd.Index) else pd.Index(self.labels)
                )
        return self._frame

    def copy(self) -> ColumnTable:
        """The same values in columns of its own."""
        columns = [column.copy() for column in self.columns]
        return ColumnTable(self.labels, columns, of_records=self.of_records)

    @classmethod
    def of(cls, frame: pd.DataFrame) -> ColumnTable:
        """A data frame's columns under its labels."""
        columns = [
            np.asarray(column) if isinstance(column.dtype, np.dtype) else column
            for column in column_arrays(frame)
        ]
        return cls(frame.columns, columns)

    @classmethod
    def merged(cls, tables: Sequence[ColumnTable]) -> ColumnTable:
        """The rows of several tables of one kind."""
        alike = zip(*(table.columns for table in tables), strict=True)
        return cls(tables[0].labels, [_joined(parts) for parts in alike])


def as_frame(data: Any) -> Any:
    """Data with a data frame in the place of a table."""
    return data.frame() if isinstance(data, ColumnTable) else data


def held(column: Any) -> Any:
    """A column as a data frame is to hold it."""
    return column.held() if isinstance(column, ObjectColumn) else column


def without_guess(column: Any) -> Any:
    """A column with the type that a data frame would guess for it; None if only pandas can tell.

    Bare objects are the ones that it guesses a type for: of texts, as a rule.
    """
    if not isinstance(column, np.ndarray) or column.dtype.kind in "biufM":
        return column
    if column.dtype.kind != "O":
        return None
    values = column.tolist()
    texts = [value for value in values if type(value) is str]
    missing = all(type(value) is str or value != value for value in values)
    # Beyond ASCII a text may hold half of a surrogate pair.
    if not texts or not missing or not all(map(str.isascii, texts)):
        return None
    return ObjectColumn(column, _guessed_for_texts())


@cache
def _guessed_for_texts() -> Any:
    """The type that pandas guesses for texts: one of its own from version 3 on."""
    return pd.Series(["text"]).dtype


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
    if isinstance(first, ObjectColumn):
        return ObjectColumn(np.concatenate([part.values for part in parts]), first.dtype)
    return type(first)._concat_same_type(parts)
