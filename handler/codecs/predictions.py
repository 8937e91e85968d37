"""Predictions of any shape as what a codec can write: a table of columns, or one array."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from contract.errors import NotAcceptable
from contract.signature import Signature
from handler.codecs.column_table import column_arrays

Array = np.ndarray[Any, Any]
OF_TIME = (
    datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64,
    pd.Interval, pd.Period,
)  # fmt: skip

# A sparse prediction is written out, where its form has no other way; not above this size.
DENSE_LIMIT = 1024**3


@dataclass(frozen=True)
class Table:
    """A prediction as columns.

    Args:
        names: the columns' names, as a data frame or the signature has them, or made up.
        columns: as many arrays of shape (rows,).
    """

    names: list[str]
    columns: list[Array]


def to_table(prediction: Any, signature: Signature | None) -> Table:
    """A prediction as a table, one row per prediction.

    Raises:
        NotAcceptable: it is no table: ragged, or of more than two dimensions.
    """
    if isinstance(prediction, pd.Series):
        given = [] if prediction.name is None else [str(prediction.name)]
        return Table(given or _names(1, signature), [column_values(prediction)])
    frame = _frame_of(prediction)
    if frame is not None:
        unnamed = isinstance(frame.columns, pd.RangeIndex)
        names = _names(frame.shape[1], signature) if unnamed else list(map(str, frame.columns))
        columns = [
            column if isinstance(column, np.ndarray) else column_values(pd.Series(column))
            for column in column_arrays(frame)
        ]
        return Table(names, columns)
    array = to_array(prediction)
    matrix = array.reshape(-1, 1) if array.ndim < 2 else array
    if matrix.ndim > 2:
        raise NotAcceptable(
            f"a prediction of shape {array.shape} is no table; application/json can hold it"
        )
    return Table(_names(matrix.shape[1], signature), list(matrix.T))


def to_array(prediction: Any) -> Array:
    """A prediction as an array; one of Python objects where nothing narrower holds them.

    Raises:
        NotAcceptable: it is ragged, or too large for an array without gaps.
    """
    if sparse.issparse(prediction):
        return dense(prediction)
    if isinstance(prediction, pd.Series):
        return column_values(prediction)
    frame = _frame_of(prediction)
    if frame is not None:
        return np.asarray(frame.to_numpy())
    if isinstance(prediction, Mapping):
        raise NotAcceptable("a prediction of named parts is no array; application/json can hold it")
    try:
        array = np.asarray(prediction)
        # numpy makes text of numbers that stand beside text.
        if array.dtype.kind in "US" and not isinstance(prediction, np.ndarray | np.generic):
            array = np.array(prediction, dtype=object)
    except (ValueError, OverflowError):
        raise NotAcceptable(
            "the prediction's rows differ in length; application/json can hold it"
        ) from None
    return array


def to_plain_array(prediction: Any) -> Array:
    """A prediction as an array without Python objects, which only pickling could write.

    Raises:
        NotAcceptable: it holds objects that are neither all text nor all numbers.
    """
    array = to_array(prediction)
    if array.dtype.kind == "M":
        return np.datetime_as_string(array)
    if array.dtype.kind != "O":
        return array
    values = array.ravel().tolist()
    if all(isinstance(value, str) for value in values):
        return array.astype(np.str_)
    if all(is_missing(value) or isinstance(value, int | float | np.number) for value in values):
        numbers = [float("nan") if is_missing(value) else float(value) for value in values]
        return np.array(numbers, dtype=np.float64).reshape(array.shape)
    raise NotAcceptable(
        "the prediction mixes text with other values: numpy's formats can't hold it without "
        "pickling; application/json can"
    )


def dense(matrix: Any) -> Array:
    """A sparse matrix as an array.

    Raises:
        NotAcceptable: it would be larger than any body may be.
    """
    if matrix.shape[0] * matrix.shape[1] * matrix.dtype.itemsize > DENSE_LIMIT:
        raise NotAcceptable(
            f"a sparse prediction of shape {matrix.shape} is too large to be written in full; "
            "application/x-npz can hold it"
        )
    return np.asarray(matrix.toarray())


def column_values(series: Any) -> Array:
    """A column as a plain numpy array; of objects, NaN for missing, where pandas has its own."""
    if isinstance(series.dtype, np.dtype):
        return np.asarray(series.to_numpy())
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return np.asarray(series.astype(object))
    values = np.array(series.astype(object))
    values[pd.isna(values)] = np.nan
    inferred = pd.api.types.infer_dtype(values, skipna=False)
    return values.astype(np.float64) if inferred == "floating" else values


def time_as_text(value: Any) -> str | None:
    """A date, a time, a length of time, or an interval, by ISO 8601 where that has it."""
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(value)
    if isinstance(value, np.timedelta64 | datetime.timedelta):
        length: Any = pd.Timedelta(value)
        return None if pd.isna(length) else length.isoformat()
    return str(value) if isinstance(value, pd.Interval | pd.Period) else str(value.isoformat())


def durations(array: Array) -> Array:
    """Lengths of time as ISO 8601 has them, None for a missing one."""
    lengths: Any = pd.to_timedelta(array.ravel())
    found = [None if pd.isna(length) else length.isoformat() for length in lengths]
    return np.array(found, dtype=object).reshape(array.shape)


def is_missing(value: object) -> bool:
    """Whether a value stands for a missing one: None, NaN, NaT, pandas.NA."""
    return value is None or value is pd.NA or value is pd.NaT or bool(value != value)


def to_cell(value: Any) -> Any:
    """A value as a cell of text formats holds it: None if missing, dates as ISO 8601.

    Raises:
        NotAcceptable: it is not a single value.
    """
    if isinstance(value, bool | int | str):
        return value
    if is_scalar(value) and is_missing(value):
        return None
    if isinstance(value, float | decimal.Decimal):
        return float(value)
    if isinstance(value, OF_TIME):
        return time_as_text(value)
    if isinstance(value, np.generic):
        return to_cell(value.item())
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    raise NotAcceptable(
        f"a {type(value).__name__} is no single value; application/json may hold it"
    )


def is_scalar(value: object) -> bool:
    return not isinstance(value, Sequence | Mapping | np.ndarray | set) or isinstance(value, str)


def cells(column: Array) -> list[Any]:
    """A column's values as cells of text formats hold them."""
    if column.dtype.kind in "biuU":
        return list(column.tolist())
    if column.dtype.kind == "f":
        return [None if value != value else value for value in column.astype(float).tolist()]
    if column.dtype.kind == "M":
        texts = np.datetime_as_string(column).tolist()
        return [None if text == "NaT" else text for text in texts]
    if column.dtype.kind == "m":
        return list(durations(column))
    return [to_cell(value) for value in column.tolist()]


def _frame_of(prediction: Any) -> Any:
    """The prediction as a data frame, if it has names; else None."""
    if isinstance(prediction, pd.DataFrame):
        return prediction
    named = isinstance(prediction, Mapping)
    rows = isinstance(prediction, list) and bool(prediction)
    if not named and not (rows and all(isinstance(row, Mapping) for row in prediction)):
        return None
    if named and all(map(is_scalar, prediction.values())):
        prediction = [prediction]
    try:
        return pd.DataFrame(prediction)
    except ValueError:
        raise NotAcceptable(
            "the prediction's parts differ in length; application/json can hold it"
        ) from None


def _names(width: int, signature: Signature | None) -> list[str]:
    """Names for a prediction's columns: those of the target, or made-up ones."""
    outputs = signature.outputs if signature else ()
    names = [column.name for column in outputs if column.name is not None]
    if len(names) == width == len(outputs):
        return names
    return ["prediction"] if width == 1 else [f"prediction_{i}" for i in range(width)]
