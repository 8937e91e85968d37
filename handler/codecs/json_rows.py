"""Rows as JSON holds them, turned into data: lists, records or single values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from scipy import sparse

from contract.columns import Column
from contract.errors import MalformedPayload, UnprocessablePayload
from contract.signature import Signature
from handler.codecs.budget import Budget
from handler.codecs.charset import quote
from handler.codecs.column_table import ColumnTable
from handler.codecs.column_values import kept_objects
from handler.codecs.expected_columns import (
    UNKNOWN,
    expected_columns,
    holds_any_number,
    may_have_any_shape,
)
from handler.codecs.json_features import unwrapped
from handler.codecs.whole_numbers import EXACT, as_floats, to_float

_NOT_SINGLE = frozenset({list, dict})


def to_data(
    rows: Sequence[Any], signature: Signature | None, budget: Budget, names: Any = None
) -> Any:
    """Rows as an array of shape (rows, columns) if all are lists of numbers, else a table.

    Args:
        rows: all of them lists, all records, or all of one form of json_features.py.
        signature: tells a column named ``features`` from the member of that name.
        budget: what they may take.
        names: the columns' names, for rows that are lists.

    Raises:
        MalformedPayload: the rows are of several sorts, of none of these, or ragged.
        UnprocessablePayload: records have unlike keys.
        PayloadTooLarge: there are too many rows or columns.
    """
    budget.rows(len(rows))
    if not rows:
        return np.empty((0, 0 if names is None else len(names)))
    if signature and names is None and signature.container in ("records", "lists"):
        return _as_they_are(rows, dict if signature.container == "records" else list)
    bare = unwrapped(rows, signature, budget) if isinstance(rows[0], dict) else None
    if sparse.issparse(bare):
        return bare
    rows = rows if bare is None else bare
    sort = type(rows[0])
    for number, row in enumerate(rows, start=1):
        if type(row) is not sort or sort not in (list, dict):
            raise MalformedPayload(
                f"row {number} is {_describe(row)}; rows must all be lists, or all be records",
                row=number,
            )
    budget.columns(max(map(len, rows)))
    if sort is dict:
        return _of_records(rows, signature, budget)
    return _of_lists(rows, names, signature, budget)


def _as_they_are(rows: Sequence[Any], sort: type) -> np.ndarray[Any, Any]:
    """Records or lists that need not be alike, as an array of shape (rows,).

    Raises:
        MalformedPayload: a row is none.
    """
    what = "a record" if sort is dict else "a list"
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, sort):
            raise MalformedPayload(
                f"row {number} is {_describe(row)}; the model takes {what} for each row",
                row=number,
            )
    taken = np.empty(len(rows), dtype=object)
    for at, row in enumerate(rows):
        taken[at] = row
    return taken


def table(
    columns: Sequence[Sequence[Any]],
    names: Sequence[str] | None,
    signature: Signature | None,
    budget: Budget,
) -> ColumnTable:
    """A table of columns, each of the type that its values have in JSON.

    Raises:
        PayloadTooLarge: they are too many for a frame.
    """
    budget.frame(len(columns))
    expected = expected_columns(names, len(columns), signature)
    labels: Sequence[str | int] = names or [
        column.name or at for at, column in enumerate(expected, start=1)
    ]
    return ColumnTable(
        None if names is None else tuple(names),
        [
            _kept(settle(values, column, label), column)
            for values, column, label in zip(columns, expected, labels, strict=True)
        ],
    )


def _kept(values: np.ndarray[Any, Any], column: Column) -> Any:
    """Objects as they are where the model tells None from NaN: pandas makes one of the two."""
    return kept_objects(values) if column.missing == "both" else values


def settle(
    values: Sequence[Any], column: Column = UNKNOWN, label: str | int = 1
) -> np.ndarray[Any, Any]:
    """A column of values from JSON: numbers as floats, booleans, else the objects they are.

    Whole numbers are floats, too, so that a column has one type whatever it holds; where the model
    is known to take whole numbers, they stay what they are until they get the type of training.

    Raises:
        UnprocessablePayload: a number can't be a float without being another, and nothing is known
            of the column.
    """
    types = set(map(type, values))
    if types == {bool}:
        return np.array(values, dtype=np.bool_)
    if types <= {int, float, type(None)}:
        if column.kind == "any":
            return as_floats(values, label)
        if column.kind == "number" and column.dtype != "object":
            return np.array([to_float(value) for value in values], dtype=np.float64)
    objects = np.empty(len(values), dtype=object)
    objects[:] = values
    return objects


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


def _of_lists(
    rows: Sequence[list[Any]],
    names: Sequence[str] | None,
    signature: Signature | None,
    budget: Budget,
) -> Any:
    width = len(rows[0]) if names is None else len(names)
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            reference = "row 1" if names is None else '"columns"'
            raise MalformedPayload(
                f"row {number} has {len(row)} columns, {reference} has {width}", row=number
            )
    plain = names is None and not holds_any_number(signature)
    matrix = _matrix(rows) if plain else None
    if matrix is not None:
        return matrix
    if names is None and may_have_any_shape(signature):
        deep = _of_more_dimensions(rows)
        if deep is not None:
            return deep
    _check_single(rows)
    columns = list(zip(*rows, strict=True))
    return table(columns, names, signature, budget)


def _of_more_dimensions(rows: Sequence[list[Any]]) -> np.ndarray[Any, Any] | None:
    """Rows that are arrays of numbers themselves, all of one shape; None for anything else."""
    try:
        cells = np.array(rows, dtype=object)
    except ValueError:  # ragged
        return None
    if cells.ndim <= 2 or not cells.size:
        return None
    flat = _matrix([cells.ravel().tolist()])
    return None if flat is None else flat.reshape(cells.shape)


def _matrix(rows: Sequence[list[Any]]) -> np.ndarray[Any, Any] | None:
    """Rows that hold nothing but numbers, or nothing but booleans, as an array.

    Returns:
        The array; None for anything else, and where a whole number might be lost in a float.
    """
    types = set(map(type, chain.from_iterable(rows)))
    if types == {bool}:
        return np.array(rows, dtype=np.bool_)
    if not types <= {int, float, type(None)}:
        return None
    try:
        matrix = np.array(rows, dtype=np.float64)
    except OverflowError:
        return None
    return None if int in types and (np.abs(matrix) >= EXACT).any() else matrix


def _of_records(
    rows: Sequence[dict[str, Any]], signature: Signature | None, budget: Budget
) -> ColumnTable:
    names = list(rows[0])
    if not names:
        raise MalformedPayload("row 1 is a record without members", row=1)
    optional = _optional(signature)
    for number, row in enumerate(rows, start=1):
        if row.keys() != rows[0].keys() and not row.keys() ^ rows[0].keys() <= optional:
            raise _unlike(number, row, [name for name in names if name not in optional])
    names = list(dict.fromkeys(chain.from_iterable(rows)))
    _check_single(rows)
    found = table([[row.get(name) for row in rows] for name in names], names, signature, budget)
    return ColumnTable(found.labels, found.columns, of_records=True)


def _optional(signature: Signature | None) -> set[str | None]:
    """The columns that a record may leave out."""
    inputs = signature.inputs if signature else ()
    return {column.name for column in inputs if column.may_be_missing or column.unused}


def _unlike(number: int, row: dict[str, Any], names: Sequence[str]) -> UnprocessablePayload:
    known = set(names)
    for name in names:
        if name not in row:
            return UnprocessablePayload(
                f"row {number} lacks column {quote(name)}, which row 1 has; "
                "write null for a missing value",
                row=number,
                column=name,
            )
    name = next(name for name in row if name not in known)
    return UnprocessablePayload(
        f"row {number} has column {quote(name)}, which row 1 lacks", row=number, column=name
    )


def _check_single(rows: Sequence[Any]) -> None:
    """Refuse a list or an object in a cell."""
    for number, row in enumerate(rows, start=1):
        cells = row.values() if isinstance(row, dict) else row
        if _NOT_SINGLE.isdisjoint(map(type, cells)):
            continue
        names = list(row) if isinstance(row, dict) else range(1, len(row) + 1)
        for column, value in zip(names, cells, strict=True):
            if isinstance(value, list | dict):
                raise UnprocessablePayload(
                    f"row {number}, column {quote(column)} holds {_describe(value)}; "
                    "a cell must hold a single value",
                    row=number,
                    column=column,
                )


def _describe(value: object) -> str:
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a record" if value else "a record without members"
    return "null" if value is None else f"a single value ({quote(value)})"
