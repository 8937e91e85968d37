"""Columns of CSV cells: numbers, booleans, texts, missing values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

import numpy as np

from contract.columns import Column
from contract.csv_number_or_missing import (
    MISSING,
    exact_number,
    has_decimal_comma,
    has_leading_zero,
    number,
    written_truth,
)
from contract.errors import UnprocessablePayload
from handler.codecs.charset import quote
from handler.codecs.whole_numbers import EXACT, check_exact, narrowest

T = TypeVar("T")

_WORDS_OF_TRUTH = frozenset({"true", "false"})


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
        return _booleans(texts)
    if column.kind == "any" and (column.dtype == "object" or column.categories is not None):
        return _objects([_of_any_kind(text, column, row, label) for row, text in enumerate(texts)])
    if column.kind == "any":
        return _inferred(texts, column, label, strict or column.unsure)
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
    return float("nan") if text in MISSING else exact_number(text)


def _or_text(read: Callable[[str], T], text: str) -> T | str:
    try:
        return read(text)
    except ValueError:
        return text


def _booleans(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    values = [float("nan") if text in MISSING else _or_text(written_truth, text) for text in texts]
    if all(isinstance(value, bool) for value in values):
        return np.array(values, dtype=np.bool_)
    return _objects(values)


def _of_any_kind(text: str, column: Column, row: int, label: str | int) -> object:
    """A cell of a column that is known to hold values of several kinds, whatever the others are.

    Raises:
        UnprocessablePayload: the column held such a text, and holds numbers, too.
    """
    if text in missing_in(column):
        return float("nan")
    if column.categories is not None and text in column.categories:
        return text
    value = _or_text(_exact, text)
    if text in column.words and text not in MISSING:
        raise UnprocessablePayload(
            f"row {row + 1}, column {quote(label)} holds {quote(text)}, and held numbers as well "
            "as such texts in training: send JSON, which tells them apart",
            row=row + 1,
            column=label,
        )
    return text if text in column.words else value


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
    if words <= _WORDS_OF_TRUTH:
        return _booleans(texts)
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
                "text: nothing is known of the model's column. JSON tells them apart; a signature "
                "(save_signature in the training script) does for every content type",
                row=row,
                column=label,
            )


def _strings(texts: Sequence[str], column: Column, label: str | int) -> np.ndarray[Any, Any]:
    missing = missing_in(column)
    known = column.texts or frozenset(column.categories or ())
    values = [float("nan") if text in missing else _known(text, known) for text in texts]
    ambiguous = column.missing == "both" or (column.missing and "" in column.words)
    if ambiguous:
        _check_empty(texts, missing | {""}, label)
    return _objects(values)


def _known(text: str, known: Collection[str]) -> str:
    """A text without the blanks beside a comma, if only so it is one that the model knows."""
    if not known or text in known:
        return text
    bare = text.strip()
    return bare if bare in known else text


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


def _objects(values: Sequence[object]) -> np.ndarray[Any, Any]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
