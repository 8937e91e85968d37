"""The values of one column: checked by the column's kind, and given the type they had in training.

Columns are numpy arrays or pandas extension arrays of shape (rows,).
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from contract.columns import Column, Kind
from contract.errors import UnprocessablePayload
from handler.codecs.charset import quote

Values = Any

_NUMBERS = (bool, int, float, np.number, np.bool_, decimal.Decimal)
_NUMERIC_DTYPES = frozenset(
    f"{name}{bits}" for name in ("int", "uint", "float") for bits in (8, 16, 32, 64)
) - {"float8"}
_DATES = (datetime.date, np.datetime64)


def check_values(values: Values, kind: Kind, label: str | int) -> Values:
    """A column's values as its kind has them.

    Args:
        values: the column as it was read.
        kind: what its values must be; ``any`` takes everything.
        label: the column's name, or its position counted from 1.

    Raises:
        UnprocessablePayload: a value is of another kind; names its row and the column.
    """
    check = _CHECKS.get(kind)
    return values if check is None else check(values, label)


def restore_dtype(values: Values, column: Column, label: str | int) -> Values:
    """A column's values in the type that they had in training, where a model can tell.

    Raises:
        UnprocessablePayload: text holds what is no text.
    """
    dtype = column.dtype
    if column.kind in ("number", "integer") and dtype in _NUMERIC_DTYPES:
        return _restore_number(values, np.dtype(dtype), label)
    try:
        if column.categories is not None:
            return _restore_category(values, column, label)
        if dtype == "object":  # pandas 3 would make a type of its own of text in an array.
            return pd.Series(values, dtype=object)
        if not _is_extension(dtype):
            return widened(values)
        return pd.array(values, dtype=dtype)
    except UnicodeError:
        raise UnprocessablePayload(
            f"column {quote(label)} holds half of a surrogate pair, which is no text", column=label
        ) from None
    except (TypeError, ValueError):
        return values  # Such as missing values for an integer type: the model has to say.


def widened(values: Values) -> Values:
    """Numbers of a narrow type as int64 or float64: a model reckons with what it is given.

    Without it the same values would be answered differently in different content types.
    """
    dtype = getattr(values, "dtype", None)
    if not isinstance(dtype, np.dtype):
        return values
    if dtype.kind in "iu" and dtype.itemsize < 8:
        return values.astype(np.int64)
    return values.astype(np.float64) if dtype == np.float16 else values


def _restore_number(values: Values, dtype: np.dtype[Any], label: str | int) -> Values:
    numbers = np.asarray(values)
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return numbers.astype(dtype, copy=False)
    if numbers.dtype.kind not in "iu":
        return numbers  # Not whole, or missing: the model has to say.
    limits = np.iinfo(dtype)
    outside = np.flatnonzero((numbers < limits.min) | (numbers > limits.max))
    if len(outside):
        row = int(outside[0]) + 1
        raise UnprocessablePayload(
            f"row {row}, column {quote(label)} must be from {limits.min} to {limits.max}, "
            f"not {numbers[outside[0]]}",
            row=row,
            column=label,
        )
    return numbers.astype(dtype, copy=False)


def _restore_category(values: Values, column: Column, label: str | int) -> Values:
    """A categorical with training's own categories: a model may go by their positions.

    Raises:
        UnprocessablePayload: a value is none of them; pandas would make it a missing one.
    """
    categories = pd.Index(list(column.categories or ()))
    if column.kind == "datetime":
        categories = pd.DatetimeIndex(categories)
    codes = categories.get_indexer(np.asarray(values))
    unknown = np.flatnonzero((codes < 0) & ~np.asarray(pd.isna(values)))
    if len(unknown):
        row = int(unknown[0]) + 1
        known = ", ".join(map(str, categories[:10])) + (", …" if len(categories) > 10 else "")
        raise UnprocessablePayload(
            f"row {row}, column {quote(label)} must be one of {known}, "
            f"not {quote(np.asarray(values)[unknown[0]])}",
            row=row,
            column=label,
        )
    return pd.Categorical.from_codes(codes, categories=categories, ordered=column.ordered)


def _is_extension(dtype: str) -> bool:
    """Whether a type is one of pandas' own, which some transformers select columns by."""
    if dtype == "str":  # Before pandas 3 this names numpy's type, which has no missing values.
        return int(pd.__version__.split(".")[0]) >= 3
    try:
        return isinstance(pd.api.types.pandas_dtype(dtype), pd.api.extensions.ExtensionDtype)
    except TypeError:
        return False


def _numbers(values: Values, label: str | int) -> np.ndarray[Any, Any]:
    dtype = getattr(values, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        return np.asarray(values)
    objects = _objects(values)
    _check_each(objects, lambda value: isinstance(value, _NUMBERS), "a number", label)
    return np.array([_float(value) for value in objects], dtype=np.float64)


def _integers(values: Values, label: str | int) -> np.ndarray[Any, Any]:
    numbers = _numbers(values, label)
    if numbers.dtype.kind != "f" or not _all_whole(numbers):
        return numbers
    return numbers.astype(np.int64)


def _all_whole(numbers: np.ndarray[Any, Any]) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(((numbers == np.floor(numbers)) & (np.abs(numbers) < 2.0**63)).all())


def _strings(values: Values, label: str | int) -> np.ndarray[Any, Any]:
    objects = _objects(values)
    _check_each(objects, lambda value: isinstance(value, str), "text", label)
    return objects


def _booleans(values: Values, label: str | int) -> np.ndarray[Any, Any]:
    objects = _objects(values)
    _check_each(objects, _is_boolean, "true or false", label)
    missing = pd.isna(objects)
    if not missing.any():
        return objects.astype(np.bool_)
    objects[~missing] = [bool(value) for value in objects[~missing]]
    return objects


def _is_boolean(value: object) -> bool:
    """Formats of numbers alone, such as npy, have nothing but 0 and 1 to say it with."""
    return isinstance(value, bool | np.bool_) or (
        isinstance(value, float | np.number) and value in (0, 1)
    )


def _datetimes(values: Values, label: str | int) -> Any:
    if getattr(values.dtype, "kind", "O") == "M":
        return values
    objects = _objects(values)
    _check_each(objects, _is_datetime, "a date such as 2024-05-17T12:00:00", label)
    dates = pd.to_datetime(pd.Series(objects), utc=True, format="ISO8601")
    return dates.dt.tz_localize(None).array


def _is_datetime(value: object) -> bool:
    if isinstance(value, _DATES):
        return True
    if not isinstance(value, str):
        return False
    try:
        pd.to_datetime(value, format="ISO8601", utc=True)
    except ValueError:  # pandas' OutOfBoundsDatetime is one, too.
        return False
    return True


def _check_each(
    objects: np.ndarray[Any, Any], is_right: Callable[[Any], bool], right: str, label: str | int
) -> None:
    missing = pd.isna(objects)
    for row, value in enumerate(objects):
        if not missing[row] and not is_right(value):
            raise UnprocessablePayload(
                f"row {row + 1}, column {quote(label)} must be {right}, not {quote(value)}",
                row=row + 1,
                column=label,
            )


def _objects(values: Values) -> np.ndarray[Any, Any]:
    """A copy of a column as Python objects, NaN where a value is missing."""
    objects = np.empty(len(values), dtype=object)
    objects[:] = np.asarray(values).astype(object)
    objects[np.asarray(pd.isna(values))] = np.nan
    return objects


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


_CHECKS: Mapping[Kind, Callable[[Values, str | int], Any]] = {
    "number": _numbers,
    "integer": _integers,
    "string": _strings,
    "boolean": _booleans,
    "datetime": _datetimes,
}
