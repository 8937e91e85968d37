"""What the text of CSV cells means: numbers, booleans, missing values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from contract.columns import Kind

# What pandas.read_csv takes for a missing value.
MISSING = frozenset(
    {
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND"),
        *("1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    }
)
_BOOLEANS = {"true": True, "false": False}
_BOOLEANS_OR_DIGITS = {**_BOOLEANS, "1": True, "0": False}
# Every whole number up to here is exact in float64.
_EXACT = 2.0**53


def number(text: str) -> float:
    """The number that a cell holds, NaN if it is missing.

    Raises:
        ValueError: it holds anything else. What only Python takes for a number is text here.
    """
    if text in MISSING:
        return float("nan")
    if "_" in text or not text.isascii():
        raise ValueError(text)
    return float(text)


def is_number(text: str) -> bool:
    """Whether a cell holds a number; a missing one does not."""
    try:
        number(text)
    except ValueError:
        return False
    return text not in MISSING


def read_column(texts: Sequence[str], kind: Kind) -> np.ndarray[Any, Any]:
    """The values of one column, of shape (rows,), read by its kind.

    A cell that is not of its kind stays text, for ``conform`` to find and to name. In a column
    of an unknown kind the cells decide: numbers if all are, booleans if all are, else text.
    """
    if kind == "integer":
        return _integers(texts)
    if kind == "number":
        return _numbers(texts)
    if kind == "boolean":
        return _booleans(texts, _BOOLEANS_OR_DIGITS)
    if kind == "any":
        return _inferred(texts)
    return _strings(texts)


def whole_where_exact(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A float64 column as int64, where each of its numbers is whole and exact."""
    whole = (np.abs(values) <= _EXACT) & (values == np.floor(values))
    return values.astype(np.int64) if whole.all() else values


def _integers(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    try:
        if not any("_" in text or not text.isascii() for text in texts):
            return np.array([int(text) for text in texts], dtype=np.int64)
    except (ValueError, OverflowError):
        pass  # Missing, not whole, too large, or text.
    return _numbers(texts)


def _numbers(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    try:
        return np.array([number(text) for text in texts], dtype=np.float64)
    except ValueError:
        return _objects([_number_or_text(text) for text in texts])


def _number_or_text(text: str) -> float | str:
    try:
        return number(text)
    except ValueError:
        return text


def _booleans(texts: Sequence[str], words: dict[str, bool]) -> np.ndarray[Any, Any]:
    values = [_missing_or(words.get(text.strip().lower(), text)) for text in texts]
    if all(isinstance(value, bool) for value in values):
        return np.array(values, dtype=np.bool_)
    return _objects(values)


def _inferred(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    try:
        return whole_where_exact(np.array([number(text) for text in texts], dtype=np.float64))
    except ValueError:
        pass
    booleans = _booleans(texts, _BOOLEANS)
    return booleans if booleans.dtype == np.bool_ else _strings(texts)


def _strings(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    return _objects([_missing_or(text) for text in texts])


def _missing_or(value: str | bool) -> object:
    return float("nan") if isinstance(value, str) and value in MISSING else value


def _objects(values: Sequence[object]) -> np.ndarray[Any, Any]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
