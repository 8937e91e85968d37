"""Rows as JSON holds them, turned into data: lists, records or single values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from contract.errors import MalformedPayload, UnprocessablePayload
from contract.signature import Signature
from handler.codecs.charset import quote

FEATURES = "features"


def to_data(rows: Sequence[Any], signature: Signature | None, names: Any = None) -> Any:
    """Rows as an array of shape (rows, columns) if all are lists of numbers, else a data frame.

    Args:
        rows: all of them lists, all records, or all ``{"features": […]}``.
        signature: tells a column named ``features`` from the member of that name.
        names: the columns' names, for rows that are lists.

    Raises:
        MalformedPayload: the rows are of several sorts, of none of these, or ragged.
        UnprocessablePayload: records have unlike keys.
    """
    if not rows:
        return np.empty((0, 0 if names is None else len(names)))
    if _hold_features(rows, signature):
        rows = [row[FEATURES] for row in rows]
    sort = type(rows[0])
    for number, row in enumerate(rows, start=1):
        if type(row) is not sort or sort not in (list, dict):
            raise MalformedPayload(
                f"row {number} is {_describe(row)}; rows must all be lists, or all be records",
                row=number,
            )
    return _of_records(rows) if sort is dict else _of_lists(rows, names)


def frame(columns: Sequence[Sequence[Any]], names: Sequence[str] | None) -> pd.DataFrame:
    """A data frame of columns, each narrowed to the type that all its values share."""
    keys: Sequence[Any] = range(len(columns)) if names is None else names
    return pd.DataFrame({key: settle(values) for key, values in zip(keys, columns, strict=True)})


def settle(values: Sequence[Any]) -> np.ndarray[Any, Any]:
    """A column of values from JSON: numbers or booleans if all are, else the objects they are.

    A missing value becomes NaN. A whole number too large for 64 bits becomes a float.
    """
    types = set(map(type, values))
    if types == {bool}:
        return np.array(values, dtype=np.bool_)
    if types == {int}:
        try:
            return np.array(values, dtype=np.int64)
        except OverflowError:
            pass
    if types <= {int, float, type(None)}:
        return np.array([_number(value) for value in values], dtype=np.float64)
    column = np.empty(len(values), dtype=object)
    column[:] = [_number(value) if _is_beyond(value) else value for value in values]
    return column


def check_distinct(names: Sequence[str]) -> None:
    """Refuse names of which two are the same.

    Raises:
        MalformedPayload: names the first that comes twice.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise MalformedPayload(f"column {quote(name)} is named twice", column=name)
        seen.add(name)


def _hold_features(rows: Sequence[Any], signature: Signature | None) -> bool:
    """Whether rows are written as SageMaker's built-in algorithms take them."""
    if signature and FEATURES in (signature.names or ()):
        return False
    return all(
        isinstance(row, dict) and row.keys() == {FEATURES} and isinstance(row[FEATURES], list)
        for row in rows
    )


def _of_lists(rows: Sequence[list[Any]], names: Sequence[str] | None) -> Any:
    width = len(rows[0]) if names is None else len(names)
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            reference = "row 1" if names is None else '"columns"'
            raise MalformedPayload(
                f"row {number} has {len(row)} columns, {reference} has {width}", row=number
            )
    matrix = _matrix(rows)
    if matrix is not None and names is None:
        return matrix
    _check_single(rows)
    columns = list(zip(*rows, strict=True))
    return frame(columns, names)


def _matrix(rows: Sequence[list[Any]]) -> np.ndarray[Any, Any] | None:
    """Rows that hold nothing but numbers, or nothing but booleans, as an array; else None."""
    types = set(map(type, chain.from_iterable(rows)))
    if types == {bool}:
        return np.array(rows, dtype=np.bool_)
    if not types <= {int, float, type(None)}:
        return None
    try:
        return np.array(rows, dtype=np.int64 if types == {int} else np.float64)
    except OverflowError:
        return None


def _of_records(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    names = list(rows[0])
    if not names:
        raise MalformedPayload("row 1 is a record without members", row=1)
    for number, row in enumerate(rows, start=1):
        if row.keys() != rows[0].keys():
            raise _unlike(number, row, names)
    _check_single([list(row.values()) for row in rows], names)
    return frame([list(map(itemgetter(name), rows)) for name in names], names)


def _unlike(number: int, row: dict[str, Any], names: Sequence[str]) -> UnprocessablePayload:
    for name in names:
        if name not in row:
            return UnprocessablePayload(
                f"row {number} lacks column {quote(name)}, which row 1 has; "
                "write null for a missing value",
                row=number,
                column=name,
            )
    name = next(name for name in row if name not in names)
    return UnprocessablePayload(
        f"row {number} has column {quote(name)}, which row 1 lacks", row=number, column=name
    )


def _check_single(rows: Sequence[Sequence[Any]], names: Sequence[str] | None = None) -> None:
    """Refuse a list or an object in a cell."""
    for number, row in enumerate(rows, start=1):
        for position, value in enumerate(row):
            if isinstance(value, list | dict):
                column = names[position] if names else position + 1
                raise UnprocessablePayload(
                    f"row {number}, column {quote(column)} holds {_describe(value)}; "
                    "a cell must hold a single value",
                    row=number,
                    column=column,
                )


def _is_beyond(value: Any) -> bool:
    """Whether a value is missing, or a whole number of more than 64 bits, which pandas refuses."""
    return value is None or (type(value) is int and not -(2**63) <= value < 2**64)


def _number(value: float | None) -> float:
    if value is None:
        return float("nan")
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _describe(value: object) -> str:
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a record" if value else "a record without members"
    return "null" if value is None else f"a single value ({quote(value)})"
