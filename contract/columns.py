"""The columns of a model's data: their names, and what kind of values they hold.

Data frames are read by their shape alone (``columns``, ``dtypes``), so that this needs no
pandas.
"""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal

import numpy as np

from contract.column_labels import OneLabel, names_of_labels, other_label
from contract.csv_number_or_missing import is_number
from contract.errors import SignatureError
from contract.missing_values import Missing, is_missing, missing_among, words_among

Kind = Literal["number", "integer", "boolean", "string", "datetime", "duration", "any"]
_NUMBERS = (int, float, np.number, decimal.Decimal)
# How many texts that look like numbers are kept of a column that holds both.
MOST_WORDS = 100


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
        categories_dtype: the numpy or pandas type of the categories, of objects ``date``,
            ``datetime`` or ``decimal``; empty if unknown.
        words: what readers take for a missing value elsewhere, such as NA, and what in this column
            is a text like any other; beside values of other kinds, some texts that look like
            numbers, too.
        missing: what stood for a missing value among objects; empty if none was seen.
        label: what the column was called in training where that was no text, such as 2024; None
            where it was ``name``.
        believed: whether the kind only tells how to read a cell, and is nothing to refuse one by.
        unused: whether the model never looks at the column; found in the model, not in a file.
        may_be_missing: whether a row may lack the column; likewise.
        texts: the texts that an encoder knows; likewise.
        unsure: whether it may be of texts as well as of numbers, since code that nobody knows here
            looks at it; likewise.
        sample: a value that the model ought to take, of those that it holds; None if it holds none;
            likewise.
    """

    name: str | None
    kind: Kind = "any"
    dtype: str = ""
    categories: tuple[Any, ...] | None = None
    ordered: bool = False
    categories_dtype: str = ""
    words: tuple[str, ...] = ()
    missing: Missing = ""
    label: Any = None
    believed: bool = False
    unused: bool = False
    may_be_missing: bool = False
    texts: frozenset[str] = frozenset()
    unsure: bool = False
    sample: Any = None


def columns_of(data: Any) -> tuple[Column, ...]:
    """The columns of a data frame, a series, an array, a sparse matrix or nested lists.

    Labels that are not text are kept beside the text by which a request calls the column. Columns
    numbered 0, 1, 2, … are those of a table that never had names.
    """
    if hasattr(data, "columns") and hasattr(data, "dtypes"):
        labels = list(data.columns)
        names = names_of_labels(labels)
        if getattr(data.columns, "nlevels", 1) == 1:
            labels = [OneLabel(label) if isinstance(label, tuple) else label for label in labels]
        return tuple(
            replace(_column_of(data.iloc[:, at], names[at]), label=other_label(label, names[at]))
            for at, label in enumerate(labels)
        )
    if hasattr(data, "name") and hasattr(data, "dtype"):
        name = None if data.name is None else str(data.name)
        return (replace(_column_of(data, name), label=other_label(data.name, name)),)
    array = data if hasattr(data, "shape") else np.asarray(data)
    width = 1 if len(array.shape) == 1 else array.shape[1] if len(array.shape) == 2 else 0
    if not width:
        raise SignatureError(f"data of shape {array.shape} has no columns to describe")
    if len(array.shape) == 2 and isinstance(array, np.ndarray) and array.dtype.kind in "OUS":
        return tuple(_column_of(array[:, position], None) for position in range(width))
    return (_column_of(array, None),) * int(width)


def plain_labels(classes: Any) -> tuple[Any, ...]:
    """The labels of a classifier, or of each of its outputs; none for what is no list of such."""
    if isinstance(classes, list | tuple) and any(np.ndim(each) for each in classes):
        return tuple(plain_labels(np.asarray(each)) for each in classes)
    if not isinstance(classes, list | tuple | np.ndarray):
        return ()
    try:
        return tuple(plain(label) for label in flat(classes))
    except (TypeError, ValueError):
        return ()


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
    if kind == "any":  # such as numbers beside texts
        words += tuple(islice(filter(_is_number, objects), MOST_WORDS))
    missing = missing_among(objects)
    return Column(name, kind, str(dtype), None, False, _own_type(objects, kind), words, missing)


def _own_type(objects: Iterable[Any], kind: Kind) -> str:
    """What type of Python's own values are, where their kind does not tell."""
    if kind == "datetime":
        return "datetime" if any(isinstance(v, datetime.datetime) for v in objects) else "date"
    of_decimals = kind == "number" and any(isinstance(v, decimal.Decimal) for v in objects)
    return "decimal" if of_decimals else ""


def _is_number(value: Any) -> bool:
    """Whether a value is a text that looks like a number."""
    return isinstance(value, str) and is_number(value)


def _name_of(dtype: Any) -> str:
    """The name of a type, a zone in it by the name that every library knows it by."""
    file = getattr(getattr(dtype, "tz", None), "_filename", None)  # dateutil's own zones
    if file is None:
        return str(dtype)
    return f"datetime64[{dtype.unit}, {str(file).rpartition('zoneinfo/')[2]}]"


def column_of_categories(name: str | None, categories: Any) -> Column:
    """The column that an encoder was fitted on, going by the categories that it found in it."""
    given = np.asarray(categories)
    if given.dtype.kind in "Mm" or kind_of(given.ravel()) == "datetime":
        return _column_of(given.ravel(), name)
    values = given.astype(object).ravel()
    present = [value for value in values if not is_missing(value)]
    if given.dtype == object and kind_of(values) == "boolean":
        # Truths beside missing values: an encoder compares them as objects, never as numbers.
        return Column(name, "boolean", missing=missing_among(values))
    if not any(isinstance(value, str) for value in present):
        return Column(name, missing=missing_among(values))
    kind: Kind = "string" if all(isinstance(value, str) for value in present) else "any"
    texts = frozenset(present) if kind == "string" else frozenset()
    words, missing = words_among(values), missing_among(values)
    return Column(name, kind, words=words, missing=missing, texts=texts)


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
    if present and all(issubclass(kind, _NUMBERS) for kind in present):
        return "number"
    if present and all(issubclass(kind, datetime.date) for kind in present):
        zoned = any(getattr(value, "tzinfo", None) for value in flat(values))
        return "any" if zoned else "datetime"
    return "any"


def flat(values: Any) -> Iterable[Any]:
    return np.asarray(values, dtype=object).ravel()


def first_row(X: Any) -> tuple[Any, ...]:
    if hasattr(X, "columns"):
        return tuple(plain(X.iloc[0, at]) for at in range(X.shape[1])) if len(X) else ()
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
