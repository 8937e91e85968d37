"""Columns of CSV cells: numbers, booleans, texts, missing values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from contract.columns import Column
from contract.csv_number_or_missing import MISSING, has_decimal_comma, has_leading_zero, number
from contract.errors import UnprocessablePayload
from handler.codecs.charset import quote
from handler.codecs.whole_numbers import EXACT, check_exact, narrowest

_BOOLEANS = {"true": True, "false": False}
_BOOLEANS_OR_DIGITS = {**_BOOLEANS, "1": True, "0": False, "1.0": True, "0.0": False}


def read_column(
    texts: Sequence[str], column: Column, label: str | int = 1, *, strict: bool = False
) -> np.ndarray[Any, Any]:
    """The values of one column, of shape (rows,), read by what is known of it.

    A cell that is not of its kind stays text, for ``conform`` to find and to name. In a column
    of which nothing is known the cells are numbers, as floats, if all are; booleans if all are;
    else text.

    Args:
        texts: the cells.
        column: what is known of the column.
        label: its name, or its position counted from 1.
        strict: whether to refuse what could as well be a number as a text.

    Raises:
        UnprocessablePayload: a cell can't be read without a guess; names row and column.
    """
    if column.kind == "integer":
        return _integers(texts)
    if column.kind == "number":
        # Of Python's own numbers each is whole or not, as it is written.
        own = column.dtype == "object"
        return _objects([_or_text(_exact, text) for text in texts]) if own else _numbers(texts)
    if column.kind == "boolean":
        return _booleans(texts, _BOOLEANS_OR_DIGITS)
    if column.kind == "any":
        return _inferred(texts, column, label, strict)
    return _strings(texts, column, label)


def is_all_whole(floats: np.ndarray[Any, Any]) -> bool:
    """Whether a column has no number with a fraction, as one of postal codes has none."""
    return all(
        bool((np.isnan(part) | (part == np.floor(part))).all())
        for part in (floats[:100], floats[100:])
    )


def missing_in(column: Column) -> frozenset[str]:
    """The texts that stand for a missing value in a column: not NA, where it is a category."""
    return MISSING.difference(column.words) if column.words else MISSING


def _integers(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    if not any("_" in text or not text.isascii() for text in texts):
        try:
            return narrowest(list(map(int, texts)))
        except ValueError:
            pass  # Missing, not whole, or text.
    return _whole_or_not(texts)


def _numbers(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    try:
        return np.array([number(text) for text in texts], dtype=np.float64)
    except ValueError:
        return _objects([_or_text(number, text) for text in texts])


def _whole_or_not(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    """Numbers as they are written, whole or not: as floats, if that changes none of them."""
    floats = _numbers(texts)
    if floats.dtype != np.dtype(object) and not (np.abs(floats) >= EXACT).any():
        return floats
    return _objects([_or_text(_exact, text) for text in texts])


def _exact(text: str) -> float:
    value = number(text)
    digits = text.strip().lstrip("+-")
    return int(text) if digits.isdecimal() else value


def _or_text(read: Callable[[str], float], text: str) -> float | str:
    try:
        return read(text)
    except ValueError:
        return text


def _booleans(texts: Sequence[str], words: dict[str, bool]) -> np.ndarray[Any, Any]:
    values = [_missing_or(words.get(text.strip().lower(), text)) for text in texts]
    if all(isinstance(value, bool) for value in values):
        return np.array(values, dtype=np.bool_)
    return _objects(values)


def _inferred(
    texts: Sequence[str], column: Column, label: str | int, strict: bool
) -> np.ndarray[Any, Any]:
    try:
        floats = np.array([number(text) for text in texts], dtype=np.float64)
    except ValueError:
        return _not_numbers(texts, column, label)
    for row in np.flatnonzero(np.abs(floats) >= EXACT).tolist():
        check_exact(_exact(texts[row]), floats[row], row, label)
    if strict and is_all_whole(floats):
        _check_zeros(texts, label)
    return floats


def _not_numbers(texts: Sequence[str], column: Column, label: str | int) -> np.ndarray[Any, Any]:
    """A column of which not all cells are numbers.

    Raises:
        UnprocessablePayload: they only fail to be by commas in the place of points.
    """
    present = [text for text in texts if text not in MISSING]
    words = {text.strip().lower() for text in present}
    if words <= _BOOLEANS.keys():
        return _booleans(texts, _BOOLEANS)
    commas = [text for text in present if has_decimal_comma(text)]
    numbers = [text for text in present if isinstance(_or_text(number, text), float)]
    if commas and len(commas) + len(numbers) == len(present):
        row = texts.index(commas[0]) + 1
        raise UnprocessablePayload(
            f"row {row}, column {quote(label)} holds {quote(commas[0])}: a number has a decimal "
            "point here, not a comma",
            row=row,
            column=label,
        )
    return _strings(texts, column, label)


def _check_zeros(texts: Sequence[str], label: str | int) -> None:
    """Refuse 02134 in a column that could be of numbers or of texts.

    Raises:
        UnprocessablePayload: names the first such cell, and what would tell.
    """
    for row, text in enumerate(texts, start=1):
        if has_leading_zero(text):
            raise UnprocessablePayload(
                f"row {row}, column {quote(label)} holds {quote(text)}, which may be a number or a "
                "text: nothing is known of the model's columns. JSON tells them apart; a signature "
                "(save_signature in the training script) does for every content type",
                row=row,
                column=label,
            )


def _strings(texts: Sequence[str], column: Column, label: str | int) -> np.ndarray[Any, Any]:
    missing = missing_in(column)
    values = [float("nan") if text in missing else text for text in texts]
    ambiguous = column.missing == "both" or (column.missing and "" in column.words)
    if ambiguous:
        _check_empty(texts, missing | {""}, label)
    return _objects(values)


def _check_empty(texts: Sequence[str], missing: frozenset[str], label: str | int) -> None:
    """Refuse an empty cell where the model tells apart what it might stand for.

    Raises:
        UnprocessablePayload: names the first such cell.
    """
    for row, text in enumerate(texts, start=1):
        if text in missing:
            raise UnprocessablePayload(
                f"row {row}, column {quote(label)} is empty, and the model tells apart what that "
                "may mean: send JSON, which has null, NaN and empty text",
                row=row,
                column=label,
            )


def _missing_or(value: str | bool) -> object:
    return float("nan") if isinstance(value, str) and value in MISSING else value


def _objects(values: Sequence[object]) -> np.ndarray[Any, Any]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
