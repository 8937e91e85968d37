"""The forms that rows take in a JSON document, as clients of various servers write them."""

from __future__ import annotations

import math
from itertools import chain
from typing import Any

import numpy as np

from contract.errors import MalformedPayload, UnprocessablePayload
from contract.signature import Signature
from handler.codecs.charset import quote
from handler.codecs.codec import Decoded
from handler.codecs.json_rows import FEATURES, check_distinct, frame, settle, to_data

INSTANCES = "instances"
SPLIT, RECORDS, INPUTS = "dataframe_split", "dataframe_records", "inputs"
READ_FORMS = (
    'a list of rows, {"instances": [...]}, a record or a list of records, '
    'columns by name ({"a": [...], "b": [...]}), {"columns": [...], "data": [...]}, '
    '{"dataframe_split": ...}, {"dataframe_records": ...} and {"inputs": ...} are read'
)


def read_document(document: Any, signature: Signature | None) -> Decoded:
    """The data in a JSON document, in whichever form it is.

    Raises:
        MalformedPayload: it is in none of the forms.
        UnprocessablePayload: it is, but records have unlike keys or a cell is no single value.
    """
    if isinstance(document, list):
        return Decoded(read_rows(document, signature))
    if not isinstance(document, dict):
        raise MalformedPayload(f"the document is {quote(document)}; {READ_FORMS}")
    names = set(signature.names or ()) if signature else set()
    if INSTANCES in document and INSTANCES not in names:
        instances = document[INSTANCES]
        rows = [instances] if isinstance(instances, dict) else _listed(instances, INSTANCES)
        return Decoded(read_rows(rows, signature), envelope=INSTANCES)
    return Decoded(_read_object(document, names, signature))


def read_rows(rows: list[Any], signature: Signature | None) -> Any:
    """Rows, or one flat list: a single row, or a row per value if the model takes one column."""
    if rows and not any(isinstance(row, list | dict) for row in rows):
        return to_data(_unflatten(rows, signature), signature)
    return to_data(rows, signature)


def _read_object(document: dict[str, Any], names: set[str], signature: Signature | None) -> Any:
    members = document.keys() - names
    if SPLIT in members:
        return _read_split(document[SPLIT], signature, f'"{SPLIT}"')
    if RECORDS in members:
        return read_rows(_listed(document[RECORDS], RECORDS), signature)
    if INPUTS in members:
        return _read_inputs(document[INPUTS], signature)
    if {"columns", "data"} <= members and len(members) <= 3:
        return _read_split(document, signature, "the document")
    if members == {FEATURES} or not any(isinstance(v, list | dict) for v in document.values()):
        return to_data([document], signature)
    if _is_listed_by_column(document):
        return _read_columns(document, "the document")
    if _is_indexed_by_column(document, names):
        return _read_columns(_without_index(document), "the document")
    raise MalformedPayload(f"the document is an object of an unknown form; {READ_FORMS}")


def _read_split(split: Any, signature: Signature | None, place: str) -> Any:
    """What pandas' ``to_json(orient="split")`` and ``to_dict("split")`` write."""
    if not isinstance(split, dict) or "data" not in split:
        raise MalformedPayload(f'{place} must be an object with "columns" and "data"')
    rows = _listed(split["data"], "data")
    columns = split.get("columns")
    if columns is None:
        return read_rows(rows, signature)
    names = [str(name) for name in _listed(columns, "columns")]
    check_distinct(names)
    if rows and not all(isinstance(row, list) for row in rows):
        raise MalformedPayload('"data" must be a list of rows, each a list of values')
    return to_data(rows, signature, names) if rows else frame([()] * len(names), names)


def _read_inputs(inputs: Any, signature: Signature | None) -> Any:
    """MLflow's rows, records or columns by name, or the tensors of the V2 inference protocol."""
    if isinstance(inputs, dict):
        return _read_columns(inputs, f'"{INPUTS}"')
    rows = _listed(inputs, INPUTS)
    if rows and all(isinstance(row, dict) and {"shape", "data"} <= row.keys() for row in rows):
        return _read_tensors(rows)
    return read_rows(rows, signature)


def _is_listed_by_column(document: dict[str, Any]) -> bool:
    """Whether it is what pandas' ``to_dict("list")`` makes: a list of single values by name."""
    return all(
        isinstance(column, list) and not (column and isinstance(column[0], list | dict))
        for column in document.values()
    )


def _is_indexed_by_column(document: dict[str, Any], names: set[str]) -> bool:
    """Whether it is what pandas' ``to_json()`` makes: by name, the values by their index.

    With ``orient="index"`` it is the other way round. What the names don't settle, the index
    does, which has to be one of whole numbers.
    """
    columns = document.values()
    if not all(isinstance(column, dict) for column in columns):
        return False
    return document.keys() == names or all(map(_is_whole, chain.from_iterable(columns)))


def _is_whole(key: str) -> bool:
    return key.removeprefix("-").isdecimal()


def _without_index(document: dict[str, dict[str, Any]]) -> dict[str, list[Any]]:
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


def _read_columns(columns: dict[str, Any], place: str) -> Any:
    if not columns:
        raise MalformedPayload(f"{place} is an object without members; {READ_FORMS}")
    values = [_listed(column, name) for name, column in columns.items()]
    if len(set(map(len, values))) > 1:
        raise MalformedPayload(f"the columns of {place} differ in length")
    rows = [list(row) for row in zip(*values, strict=True)]
    names = list(columns)
    return to_data(rows, None, names) if rows else frame(values, names)


def _read_tensors(tensors: list[dict[str, Any]]) -> Any:
    """One tensor of shape (rows, columns), or a named tensor of shape (rows,) per column."""
    shapes = [_shape(tensor) for tensor in tensors]
    if len(tensors) == 1 and len(shapes[0]) == 2 and shapes[0][1] != 1:
        values = _flat(tensors[0], shapes[0])
        width = shapes[0][1]
        rows = [values[at : at + width] for at in range(0, len(values), width)] if width else []
        return to_data(rows, None) if rows else np.empty(shapes[0])
    names = [str(tensor.get("name", "")) for tensor in tensors]
    check_distinct(names)
    for name, shape in zip(names, shapes, strict=True):
        if shape[1:] not in ([], [1]) or shape[0] != shapes[0][0]:
            raise UnprocessablePayload(
                f"input {quote(name)} has shape {shape}; give one input of shape "
                "[rows, columns], or one of shape [rows] for each column",
                column=name,
            )
    columns = [_flat(tensor, shape) for tensor, shape in zip(tensors, shapes, strict=True)]
    for name, column in zip(names, columns, strict=True):
        _check_values(name, column)
    if len(tensors) == 1:  # Its name is the tensor's, not the column's.
        return settle(columns[0]).reshape(-1, 1)
    return frame(columns, names)


def _shape(tensor: dict[str, Any]) -> list[int]:
    shape = tensor["shape"]
    whole = isinstance(shape, list) and all(type(size) is int and size >= 0 for size in shape)
    if not whole or not shape:
        raise MalformedPayload('the "shape" of an input must be a list of sizes such as [2, 4]')
    return list(shape)


def _flat(tensor: dict[str, Any], shape: list[int]) -> list[Any]:
    """A tensor's values in row-major order; they may be written nested or flat."""
    values = _listed(tensor["data"], "data")
    while values and all(isinstance(value, list) for value in values):
        values = [inner for value in values for inner in value]
    if len(values) != math.prod(shape):
        raise MalformedPayload(f"an input of shape {shape} has {len(values)} values")
    return values


def _check_values(name: str, values: list[Any]) -> None:
    for number, value in enumerate(values, start=1):
        if isinstance(value, list | dict):
            raise UnprocessablePayload(
                f"row {number} of input {quote(name)} is no single value", row=number, column=name
            )


def _unflatten(values: list[Any], signature: Signature | None) -> list[list[Any]]:
    if signature and len(signature.inputs) == 1:
        return [[value] for value in values]
    return [values]


def _listed(value: Any, member: str) -> list[Any]:
    if not isinstance(value, list):
        raise MalformedPayload(f"{quote(member)} must be a list; {READ_FORMS}")
    return value
