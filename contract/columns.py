"""The columns of a model's data: their names, and what kind of values they hold.

Data frames are read by their shape alone (``columns``, ``dtypes``), so that this needs no
pandas.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from contract.csv_cells import MISSING
from contract.errors import SignatureError

Kind = Literal["number", "integer", "boolean", "string", "datetime", "duration", "any"]
# What stands for a missing value in a column of Python objects: scikit-learn's encoders, for one,
# tell None from NaN.
Missing = Literal["", "None", "NaN", "both"]


@dataclass(frozen=True)
class Column:
    """One column that the model takes or returns.

    Args:
        name: the column's name, or None where the model was fitted on positions.
        kind: what its values are, in a request's terms; ``any`` is not checked.
        dtype: the numpy or pandas type it had in training, as text; empty if unknown.
        categories: for the type ``category``, its values in their order: a model may go by
            their positions; else None.
        ordered: whether those are ordered.
        categories_dtype: the numpy or pandas type of the categories, of objects ``date`` or
            ``datetime``; empty if unknown.
        words: what readers take for a missing value elsewhere, such as NA, and what in this column
            is a text like any other.
        missing: what stood for a missing value among objects; empty if none was seen.
    """

    name: str | None
    kind: Kind = "any"
    dtype: str = ""
    categories: tuple[Any, ...] | None = None
    ordered: bool = False
    categories_dtype: str = ""
    words: tuple[str, ...] = ()
    missing: Missing = ""


def columns_of(data: Any) -> tuple[Column, ...]:
    """The columns of a data frame, a series, an array, a sparse matrix or nested lists.

    Names that are not text are none: scikit-learn, too, then goes by position.
    """
    if hasattr(data, "columns") and hasattr(data, "dtypes"):
        named = all(isinstance(name, str) for name in data.columns)
        return tuple(_column_of(data[name], name if named else None) for name in data.columns)
    if hasattr(data, "name") and hasattr(data, "dtype"):
        return (_column_of(data, None if data.name is None else str(data.name)),)
    array = data if hasattr(data, "shape") else np.asarray(data)
    width = 1 if len(array.shape) == 1 else array.shape[1] if len(array.shape) == 2 else 0
    if not width:
        raise SignatureError(f"data of shape {array.shape} has no columns to describe")
    if len(array.shape) == 2 and isinstance(array, np.ndarray) and array.dtype.kind in "OUS":
        return tuple(_column_of(array[:, position], None) for position in range(width))
    return (_column_of(array, None),) * int(width)


def is_vector(data: Any) -> bool:
    """Whether data is one column without being a table, such as the texts of a vectorizer."""
    shape = data.shape if hasattr(data, "shape") else np.shape(np.asarray(data, dtype=object))
    return len(shape) == 1


def _column_of(values: Any, name: str | None) -> Column:
    dtype = values.dtype
    kind = kind_of(values)
    if hasattr(dtype, "categories"):
        given = dtype.categories
        categories = tuple(plain(value) for value in given)
        words = words_among(given) if kind == "string" else ()
        ordered = bool(dtype.ordered)
        return Column(name, kind, "category", categories, ordered, _name_of(given.dtype), words)
    if getattr(dtype, "kind", "O") != "O" and kind != "string":
        return Column(name, kind, _name_of(dtype))
    objects = flat(values)
    words = words_among(objects) if kind in ("string", "any") else ()
    missing = missing_among(objects)
    own = ""
    if kind == "datetime":  # of Python's own
        own = "datetime" if any(isinstance(v, datetime.datetime) for v in objects) else "date"
    return Column(name, kind, str(dtype), None, False, own, words, missing)


def _name_of(dtype: Any) -> str:
    """The name of a type, a zone in it by the name that every library knows it by."""
    file = getattr(getattr(dtype, "tz", None), "_filename", None)  # dateutil's own zones
    if file is None:
        return str(dtype)
    return f"datetime64[{dtype.unit}, {str(file).rpartition('zoneinfo/')[2]}]"


def column_of_categories(name: str | None, categories: Any) -> Column:
    """The column that an encoder was fitted on, going by the categories that it found in it."""
    values = np.asarray(categories, dtype=object).ravel()
    present = [value for value in values if not is_missing(value)]
    if not any(isinstance(value, str) for value in present):
        return Column(name, missing=missing_among(values))
    kind: Kind = "string" if all(isinstance(value, str) for value in present) else "any"
    return Column(name, kind, words=words_among(values), missing=missing_among(values))


def words_among(values: Iterable[Any]) -> tuple[str, ...]:
    """Those of the words for a missing value that stand among values as text."""
    return tuple(sorted({value for value in values if isinstance(value, str)} & MISSING))


def missing_among(values: Iterable[Any]) -> Missing:
    """What stands for a missing value among objects."""
    none = nan = False
    for value in values:
        none = none or value is None
        nan = nan or (value is not None and is_missing(value))
    if none and nan:
        return "both"
    return "None" if none else "NaN" if nan else ""


def kind_of(values: Any) -> Kind:
    """The kind of a column's values, by type; by the values themselves where the type is object."""
    dtype = values.dtype
    if hasattr(dtype, "categories"):
        return kind_of(dtype.categories)
    code = getattr(dtype, "kind", "O")
    if code != "O":
        by_code: dict[str, Kind] = {
            "f": "number",
            "i": "integer",
            "u": "integer",
            "b": "boolean",
            "M": "datetime",
            "m": "duration",
            "U": "string",
            "S": "string",
        }
        return by_code.get(code, "any")
    present = {type(value) for value in flat(values) if not is_missing(value)}
    if present and all(issubclass(kind, str) for kind in present):
        return "string"
    if present and all(issubclass(kind, bool | np.bool_) for kind in present):
        return "boolean"
    if present and all(issubclass(kind, int | float | np.number) for kind in present):
        return "number"
    if present and all(issubclass(kind, datetime.date) for kind in present):
        zoned = any(getattr(value, "tzinfo", None) for value in flat(values))
        return "any" if zoned else "datetime"
    return "any"


def flat(values: Any) -> Iterable[Any]:
    return np.asarray(values, dtype=object).ravel()


def first_row(X: Any) -> tuple[Any, ...]:
    if hasattr(X, "columns"):
        return tuple(plain(X[name].iloc[0]) for name in X.columns) if len(X) else ()
    if hasattr(X, "iloc"):
        return (plain(X.iloc[0]),) if len(X) else ()
    if hasattr(X, "toarray"):
        X = X[:1].toarray()
    rows = np.asarray(X)
    if not len(rows):
        return ()
    return tuple(plain(value) for value in np.atleast_1d(rows[0]))


def plain(value: Any) -> Any:
    """A value as JSON can hold it; None for what stands for a missing value."""
    if hasattr(value, "isoformat"):
        return None if is_missing(value) else value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return None if is_missing(value) else str(value)


def is_missing(value: Any) -> bool:
    """Whether a value stands for a missing one: None, NaN, NaT, pandas.NA."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except Exception:  # pandas.NA answers neither yes nor no, and arrays for each of their values
        return type(value).__name__ == "NAType"
