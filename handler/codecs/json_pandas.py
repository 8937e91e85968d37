"""What pandas' ``to_json`` writes in its orients: split, index, columns and table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain
from typing import Any

from contract.errors import MalformedPayload
from contract.signature import Signature
from handler.codecs.charset import quote

Objects = dict[str, dict[str, Any]]


def is_split(document: dict[str, Any], names: Collection[str]) -> bool:
    """Whether a document is of the orient split, not of columns that are called so."""
    if not {"columns", "data"} <= document.keys() or len(document) > 3:
        return False
    if not {"columns", "data"} & set(names):
        return True
    rows = document["data"]
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, list) for row in rows)


def name_of(name: Any) -> str:
    """What a column is called in the orient split, a list where it has a name on several levels."""
    return str(tuple(name)) if isinstance(name, list) else str(name)


def rows_of_table(document: dict[str, Any], names: Collection[str]) -> list[Any] | None:
    """The records of the orient table without their index; None for a document of another form."""
    schema, rows = document.get("schema"), document.get("data")
    if document.keys() != {"schema", "data"} or not isinstance(schema, dict):
        return None
    if "fields" not in schema or not isinstance(rows, list):
        return None
    key = schema.get("primaryKey") or []
    index = {name for name in key if isinstance(name, str)} if isinstance(key, list) else set()
    index -= set(names)
    return [
        {name: value for name, value in row.items() if name not in index}
        if isinstance(row, dict)
        else row
        for row in rows
    ]


def nested(document: dict[str, Any], signature: Signature | None) -> dict[str, list[Any]] | None:
    """Columns by name, of a document that holds values by name and index, or by index and name.

    The model's names tell which it is, else an index, which has to be one of whole numbers. Where
    both might be one, the number of columns tells that the model takes, else an index that counts
    the rows.

    Returns:
        None for a document of another form.

    Raises:
        MalformedPayload: it may be either, or its rows are unlike.
    """
    if not document or not all(isinstance(each, dict) for each in document.values()):
        return None
    if not any(document.values()):
        return {name: [] for name in document}
    by_columns = _is_by_columns(document, signature)
    if by_columns is None:
        return None
    if not by_columns:
        document = _turned(document)
    return _without_index(document)


def _is_by_columns(document: Objects, signature: Signature | None) -> bool | None:
    names = set(signature.names or ()) if signature else set()
    outer, inner = list(document), list(next(iter(document.values())))
    if names and (set(outer) == names) != (set(inner) == names):
        return set(outer) == names
    whole = [
        all(map(_is_whole, outer)),
        all(map(_is_whole, chain.from_iterable(document.values()))),
    ]
    if whole != [True, True]:
        return None if whole == [False, False] else whole[1]
    if len(outer) == len(inner) == 1:
        return True
    wide = len(signature.inputs) if signature else 0
    if wide and (len(outer) == wide) != (len(inner) == wide):
        return len(outer) == wide
    if _counts(outer) != _counts(inner):
        return _counts(inner)
    raise MalformedPayload(
        "the document may hold columns by their rows, or rows by their columns: send it in another "
        'orient of pandas, such as to_json(orient="split")'
    )


def _turned(document: Objects) -> Objects:
    """Columns by their rows, of rows by their columns.

    Raises:
        MalformedPayload: the rows have unlike columns.
    """
    first = next(iter(document.values()))
    for number, row in enumerate(document.values(), start=1):
        if row.keys() != first.keys():
            raise MalformedPayload(f"row {number} has other columns than the first", row=number)
    return {name: {key: row[name] for key, row in document.items()} for name in first}


def _without_index(document: Objects) -> dict[str, list[Any]]:
    """Columns whose values have an index, in the order in which it is first written.

    That is the order of the client's rows, whatever their index, unless some program on the way
    has sorted the keys as text.

    Raises:
        MalformedPayload: the columns have unlike indexes.
    """
    first = next(iter(document.values()))
    for name, column in document.items():
        if column.keys() != first.keys():
            raise MalformedPayload(f"column {quote(name)} has other rows than the first column")
    index, counted = list(first), list(map(str, range(len(first))))
    if index == sorted(counted):
        index = counted
    return {name: [column[key] for key in index] for name, column in document.items()}


def _counts(keys: Sequence[str]) -> bool:
    return set(keys) == set(map(str, range(len(keys))))


def _is_whole(key: str) -> bool:
    return key.removeprefix("-").isdecimal()
