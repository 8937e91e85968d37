"""The values of one column: checked by the column's kind, and given the type they had in training.

Columns are numpy arrays or pandas extension arrays of shape (rows,).
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from contract.columns import Column, Kind
from contract.csv_number_or_missing import exact_number, has_decimal_comma, written_truth
from contract.errors import UnprocessablePayload
from handler.codecs.charset import quote
from handler.codecs.column_table import ObjectColumn
from handler.codecs.dates import dates_of, read_dates, read_spans
from handler.codecs.whole_numbers import as_floats, narrowest, restore_whole, to_float, whole

Values = Any

_DECIMAL = re.compile(r"decimal128\((\d+), (\d+)\)\[pyarrow\]")
_OBJECT = np.dtype(object)
_NUMBERS = (bool, int, float, np.number, np.bool_, decimal.Decimal)


def check_values(values: Values, column: Column, label: str | int) -> Values:
    """A column's values as its kind has them.

    Args:
        values: the column as it was read.
        column: what its values must be; the kind ``any`` takes everything.
        label: the column's name, or its position counted from 1.

    Raises:
        UnprocessablePayload: a value is of another kind; names its row and the column.
    """
    if column.kind in ("datetime", "duration"):
        read = read_dates if column.kind == "datetime" else read_spans
        try:
            return read(values, column.categories_dtype or column.dtype, label)
        except (ValueError, OverflowError, ArithmeticError, TypeError):
            what = "date" if column.kind == "datetime" else "span of time"
            raise UnprocessablePayload(
                f"column {quote(label)} holds a {what} that has no place among the model's",
                column=label,
            ) from None
    if column.kind == "number" and column.dtype != "object":
        return _floats(_numbers(values, label))
    check = _CHECKS.get(column.kind)
    return values if check is None else check(values, label)


def restore_dtype(values: Values, column: Column, label: str | int) -> Values:
    """A column's values in the type that they had in training, where a model can tell.

    Raises:
        UnprocessablePayload: text holds what is no text, or a number is out of the type's range.
    """
    dtype = column.dtype
    try:
        if column.categories is not None:
            return _restore_category(values, column, label)
        if dtype == "object" and column.kind == "datetime":
            values = _python_dates(values, column)
        if column.categories_dtype == "decimal":
            values = _decimals(values)
        if dtype == "object":  # pandas 3 would make a type of its own of text in an array.
            objects = kept_objects(values).values
            return ObjectColumn(with_missing(objects, column), _OBJECT)
        if column.kind in ("datetime", "duration"):
            return values
        known = _dtype_of(dtype)
        if known is None:
            return _of_no_type(values, column, label)
        return _restore(values, known, column, label)
    except UnicodeError:
        raise UnprocessablePayload(
            f"column {quote(label)} holds half of a surrogate pair, which is no text", column=label
        ) from None
    except (TypeError, ValueError):
        return values  # Such as missing values for an integer type: the model has to say.


def _of_no_type(values: Values, column: Column, label: str | int) -> Values:
    if column.kind == "integer" and values.dtype == np.dtype(object):
        return as_floats(values.tolist(), label)
    return widened(with_missing(values, column))


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


def writable(values: Values) -> Values:
    """A column that whoever gets it may write to: pandas and pyarrow lend theirs to be read."""
    lent = isinstance(values, np.ndarray) and not values.flags.writeable
    return values.copy() if lent else values


def with_missing(values: Values, column: Column | None) -> Values:
    """Objects with what stood for a missing value in training in the place of what is missing."""
    known = column.missing if column else ""
    if getattr(values, "dtype", None) != np.dtype(object) or known == "both":
        return values
    missing = np.asarray(pd.isna(values))
    if not missing.any():
        return values
    values = values.copy()
    values[missing] = None if known == "None" else np.nan
    return values


def kept_objects(values: Values) -> ObjectColumn:
    """A column as Python objects, which they stay in a data frame, too."""
    if getattr(values, "dtype", None) != _OBJECT:
        values = pd.Series(values, dtype=object).to_numpy()
    return ObjectColumn(np.asarray(values), _OBJECT)


def _restore(values: Values, dtype: Any, column: Column, label: str | int) -> Values:
    kind = getattr(dtype, "kind", "O")
    if column.kind in ("number", "integer") and kind in "iu":
        return restore_whole(values, dtype, label)
    if isinstance(dtype, np.dtype):
        if kind == "f" and column.kind in ("number", "integer"):
            with np.errstate(over="ignore"):
                return np.asarray(values).astype(dtype, copy=False)
        if kind == "U" and not pd.isna(values).any():
            return np.asarray(values).astype(np.str_)
        return widened(with_missing(values, column))
    if dtype == "str" and column.kind == "string":
        return _texts(values, dtype)
    return pd.array(values, dtype=dtype)


def _texts(values: Values, dtype: Any) -> ObjectColumn:
    """Texts, and NaN where one is missing, for pandas' own type of them.

    Raises:
        UnicodeError: one holds half of a surrogate pair.
    """
    objects = np.asarray(values)
    if set(map(type, objects.tolist())) != {str}:
        objects = np.asarray(with_missing(values, None))
    "".join(text for text in objects.tolist() if type(text) is str).encode()
    return ObjectColumn(objects, dtype)


def _python_dates(values: Values, column: Column) -> Values:
    """Dates as Python's own, as objects of training were."""
    dates = pd.DatetimeIndex(values)
    if column.categories_dtype == "date":
        return dates.date
    objects = np.empty(len(dates), dtype=object)
    objects[:] = dates.to_list()
    return objects


def _decimals(values: Values) -> Values:
    """Numbers as Python's decimal ones, with the digits that they were written with."""
    objects = _objects(values)
    for row, value in enumerate(objects):
        if not isinstance(value, decimal.Decimal) and not pd.isna(value):
            objects[row] = decimal.Decimal(repr(value.item() if hasattr(value, "item") else value))
    return objects


def _restore_category(values: Values, column: Column, label: str | int) -> Values:
    """A categorical with training's own categories: a model may go by their positions.

    Raises:
        UnprocessablePayload: a value is none of them; pandas would make it a missing one.
    """
    categories = _categories(column)
    given = values
    if column.categories_dtype.startswith("interval"):  # written as text: (0.5, 2.0]
        places = {text: place for place, text in enumerate(column.categories or ())}
        given = [categories[places[v]] if v in places else v for v in values]
    if column.kind in ("number", "integer", "boolean"):
        own = Column(column.name, column.kind, column.categories_dtype)
        given = restore_dtype(values, own, label)
    missing = np.asarray(pd.isna(values))
    codes = categories.get_indexer(pd.Index(given)[~missing])
    unknown = np.flatnonzero(codes < 0)
    if len(unknown):
        row = int(np.flatnonzero(~missing)[unknown[0]])
        known = ", ".join(map(str, categories[:10])) + (", …" if len(categories) > 10 else "")
        raise UnprocessablePayload(
            f"row {row + 1}, column {quote(label)} must be one of {known}, "
            f"not {quote(pd.Index(given)[row])}",
            row=row + 1,
            column=label,
        )
    all_codes = np.full(len(missing), -1)
    all_codes[~missing] = codes
    return pd.Categorical.from_codes(all_codes, categories=categories, ordered=column.ordered)


def _categories(column: Column) -> Any:
    """Training's categories, in the type that they had."""
    given, dtype = list(column.categories or ()), column.categories_dtype
    if column.kind in ("datetime", "duration"):
        return pd.Index(dates_of(given, dtype))
    if dtype.startswith("interval"):
        return pd.IntervalIndex([_interval(str(text)) for text in given])
    known = _dtype_of(dtype) if dtype != "object" else np.dtype(object)
    return pd.Index(given) if known is None else pd.Index(given, dtype=known)


def _interval(text: str) -> Any:
    """An interval of numbers as its text says it."""
    ends = [float(end) if "." in end else int(end) for end in text[1:-1].split(", ")]
    closed = {"[]": "both", "[)": "left", "(]": "right", "()": "neither"}[text[0] + text[-1]]
    make: Any = pd.Interval  # its types know no end that is found at run time
    return make(*ends, closed=closed)


@lru_cache(maxsize=256)
def _dtype_of(dtype: str) -> Any:
    """The type of a name; None for one that has to be known to nobody, or is not known here."""
    if found := _DECIMAL.fullmatch(dtype):  # which pandas can't find by its name
        import pyarrow as pa

        return pd.ArrowDtype(pa.decimal128(int(found[1]), int(found[2])))
    if not dtype or (dtype == "str" and int(pd.__version__.split(".")[0]) < 3):
        return None  # Before pandas 3 this names numpy's type, which has no missing values.
    try:
        return pd.api.types.pandas_dtype(dtype)
    except (TypeError, ValueError, NotImplementedError):
        return None


def _numbers(values: Values, label: str | int) -> np.ndarray[Any, Any]:
    """Numbers, as they were read where they are of a type, else in the widest that holds them."""
    dtype = getattr(values, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        return np.asarray(values)
    objects = _read_texts(_objects(values), exact_number)
    _check_each(objects, lambda value: isinstance(value, _NUMBERS), "a number", label)
    return objects


def _floats(values: Values) -> Any:
    dtype = getattr(values, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        return values
    return np.array([to_float(value) for value in values], dtype=np.float64)


def _integers(values: Values, label: str | int) -> np.ndarray[Any, Any]:
    """Whole numbers where all are; else objects, none of them changed."""
    numbers = _numbers(values, label)
    if numbers.dtype.kind in "iub":
        return numbers
    if numbers.dtype.kind == "f":
        return numbers.astype(np.int64) if _all_whole(numbers) else numbers
    if pd.isna(numbers).any():
        return numbers
    exact = [whole(value) for value in numbers.tolist()]
    return numbers if None in exact else narrowest([number or 0 for number in exact])


def _all_whole(numbers: np.ndarray[Any, Any]) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(((numbers == np.floor(numbers)) & (np.abs(numbers) < 2.0**63)).all())


def _strings(values: Values, label: str | int) -> np.ndarray[Any, Any]:
    if getattr(values, "dtype", None) == _OBJECT and set(map(type, values.tolist())) == {str}:
        return values  # type: ignore[no-any-return]
    objects = _objects(values, keep_none=True)
    _check_each(objects, lambda value: isinstance(value, str), "text", label)
    return objects


def _booleans(values: Values, label: str | int) -> np.ndarray[Any, Any]:
    objects = _read_texts(_objects(values, keep_none=True), written_truth)
    _check_each(objects, _is_boolean, "true or false", label)
    missing = pd.isna(objects)
    if not missing.any():
        return objects.astype(np.bool_)
    objects[~missing] = [bool(value) for value in objects[~missing]]
    return objects


def _is_boolean(value: object) -> bool:
    """Formats of numbers alone, such as npy, have nothing but 0 and 1 to say it with."""
    return isinstance(value, bool | np.bool_) or (
        isinstance(value, int | float | np.number) and value in (0, 1)
    )


def _read_texts(objects: np.ndarray[Any, Any], read: Callable[[str], Any]) -> np.ndarray[Any, Any]:
    """Objects with what texts among them say; texts that say nothing of the kind stay.

    A model reads "30" as a number by itself, too, where nothing is known of its columns.
    """
    for row, value in enumerate(objects):
        if isinstance(value, str):
            with suppress(ValueError):
                objects[row] = read(value)
    return objects


def _check_each(
    objects: np.ndarray[Any, Any], is_right: Callable[[Any], bool], right: str, label: str | int
) -> None:
    missing = pd.isna(objects)
    for row, value in enumerate(objects):
        if not missing[row] and not is_right(value):
            comma = isinstance(value, str) and has_decimal_comma(value) and right == "a number"
            raise UnprocessablePayload(
                f"row {row + 1}, column {quote(label)} must be {right}, not {quote(value)}"
                + ("; a number has a decimal point here, not a comma" if comma else ""),
                row=row + 1,
                column=label,
            )


def _objects(values: Values, *, keep_none: bool = False) -> np.ndarray[Any, Any]:
    """A copy of a column as Python objects, NaN where a value is missing, or None where it was."""
    objects = np.empty(len(values), dtype=object)
    objects[:] = np.asarray(values).astype(object)
    missing = np.asarray(pd.isna(values))
    if keep_none:
        missing &= np.array([value is not None for value in objects], dtype=np.bool_)
    objects[missing] = np.nan
    return objects


_CHECKS: Mapping[Kind, Callable[[Values, str | int], Any]] = {
    "number": _numbers,
    "integer": _integers,
    "string": _strings,
    "boolean": _booleans,
}
