"""What passes from one step of a model to the next: numbers, columns of a table, or sparse rows.

The order in which an array lies in memory is kept as the library has it: a product of matrices is
summed in another order in another layout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from handler.codecs.column_table import ColumnTable, ObjectColumn, column_arrays

Array = np.ndarray[Any, Any]
Values = Any  # an Array, a Table or SparseRows
Compute = Callable[[Values], Any]

# Trees compute in single precision: what has no place there is an error of theirs.
LARGEST = float(np.finfo(np.float32).max)
# The whole numbers up to here are the same in double precision.
LARGEST_WHOLE = 2**53


class Elsewhere(Exception):
    """These values are for the library: it knows what to do with them, or what to say."""


class Table:
    """Columns of one length, each a numpy array or what pandas holds in place of one.

    Args:
        columns: the columns.
        whole: all of them as pandas gives them in one array, if someone knows.
    """

    __slots__ = ("_whole", "columns", "rows")

    def __init__(self, columns: Sequence[Any], rows: int, whole: Callable[[], Array] | None = None):
        self.columns = columns
        self.rows = rows
        self._whole = whole

    def take(self, positions: Sequence[int]) -> Table:
        """Some of the columns."""
        return Table([self.columns[position] for position in positions], self.rows)

    def column(self, position: int) -> Array:
        """One column as scikit-learn sees it: float64, int64 or objects."""
        return plain(self.columns[position])

    def array(self) -> Array:
        """All columns in one array."""
        columns = [plain(column) for column in self.columns]
        kinds = {column.dtype.kind for column in columns}
        if "O" in kinds:
            whole = np.empty((self.rows, len(columns)), dtype=object)
            for position, column in enumerate(columns):
                whole[:, position] = column
            return whole
        if self._whole is not None:
            return self._whole()
        return np.array(columns).T if columns else np.empty((self.rows, 0))


class SparseRows:
    """What the library has as a sparse matrix, written out."""

    __slots__ = ("dense",)

    def __init__(self, dense: Array) -> None:
        self.dense = dense


def plain(column: Any) -> Array:
    """A column as float64, int64 or objects.

    Raises:
        Elsewhere: it is of another type.
    """
    if isinstance(column, ObjectColumn):
        return column.values
    dtype = column.dtype
    if not isinstance(dtype, np.dtype):  # one of pandas' own
        if not (dtype == "str" or dtype == "category"):
            raise Elsewhere
        column = np.asarray(column)
        dtype = column.dtype
    if dtype in (np.float64, np.int64) or dtype.kind == "O":
        return column  # type: ignore[no-any-return]
    raise Elsewhere


def table_of(frame: Any) -> Table:
    """The columns of a data frame, or of what may become one."""
    if isinstance(frame, ColumnTable):
        return Table(frame.columns, frame.shape[0])
    return Table(column_arrays(frame), frame.shape[0], frame.to_numpy)


def as_array(values: Values) -> Array:
    """Numbers or objects of any kind in one array.

    Raises:
        Elsewhere: the values are sparse.
    """
    if isinstance(values, Table):
        return values.array()
    if isinstance(values, SparseRows):
        raise Elsewhere
    return values  # type: ignore[no-any-return]


def finite(values: Values) -> Array:
    """Values as finite numbers of double precision.

    Raises:
        Elsewhere: they are not.
    """
    array = as_array(values)
    if array.dtype != np.float64 or not np.isfinite(array).all():
        raise Elsewhere
    return array


def converted(values: Values) -> Array:
    """Values as numbers of double precision, as most transformers take them: NaN may be among them.

    Raises:
        Elsewhere: they are no such numbers.
    """
    array = as_array(values)
    if array.dtype == np.int64:
        return exact(array).astype(np.float64)
    if array.dtype != np.float64 or np.isinf(array).any():
        raise Elsewhere
    return array


def exact(whole: Array) -> Array:
    """Whole numbers that double precision holds.

    Raises:
        Elsewhere: it does not.
    """
    if not ((whole >= -LARGEST_WHOLE) & (whole <= LARGEST_WHOLE)).all():
        raise Elsewhere
    return whole


def converted_finite(values: Values) -> Array:
    """The same without NaN."""
    array = converted(values)
    if np.isnan(array).any():
        raise Elsewhere
    return array


def single(values: Values) -> Array:
    """Values in single precision, as trees take them.

    Raises:
        Elsewhere: they don't fit, or are missing.
    """
    array = values.dense if isinstance(values, SparseRows) else as_array(values)
    if array.dtype == np.int64:
        exact(array)
    elif array.dtype not in (np.float64, np.float32) or not (np.abs(array) < LARGEST).all():
        raise Elsewhere
    return array.astype(np.float32, order="C")
