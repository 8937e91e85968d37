"""The tensors of the V2 inference protocol (KServe's Open Inference Protocol), in and out."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from contract.errors import MalformedPayload, NotAcceptable, UnprocessablePayload
from contract.signature import Signature
from handler.codecs.budget import Budget
from handler.codecs.charset import quote
from handler.codecs.column_table import ColumnTable
from handler.codecs.expected_columns import may_have_any_shape
from handler.codecs.json_rows import check_distinct
from handler.codecs.predictions import cells, to_table

_TYPES = {
    "BOOL": "bool",
    **{f"INT{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": f"float{bits}" for bits in (16, 32, 64)},
    "BYTES": "object",
}
_NAMES = {dtype: name for name, dtype in _TYPES.items()}


@dataclass(frozen=True)
class Tensors:
    """What an answer in tensors owes to its request.

    Args:
        id: the request's; None if it has none.
        output: the name that the request gives the output; None for the model's own.
        model: the name of the model that answers.
        version: its version; None where that is not known.
    """

    id: str | None = None
    output: str | None = None
    model: str = "model"
    version: str | None = None


def is_of_tensors(inputs: Any) -> bool:
    """Whether ``inputs`` are tensors, not MLflow's rows or records."""
    return (
        isinstance(inputs, list)
        and bool(inputs)
        and all(
            isinstance(one, dict) and "shape" in one and one.keys() & {"data", "datatype"}
            for one in inputs
        )
    )


def answer_to(document: Mapping[str, Any]) -> Tensors:
    """What the answer to a request is to say beside its data.

    Raises:
        UnprocessablePayload: it asks for several outputs, or for binary data.
    """
    asked = document.get("outputs") or []
    if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
        raise MalformedPayload('"outputs" must be a list of objects with a "name"')
    parameters = [one.get("parameters") or {} for one in [document, *asked]]
    if any(p.get("binary_data") or p.get("binary_data_output") for p in parameters):
        raise UnprocessablePayload("binary data is not written here: ask for outputs as JSON")
    if len(asked) > 1:
        raise UnprocessablePayload(f"the request asks for {len(asked)} outputs, the model has one")
    identity = document.get("id")
    name = asked[0].get("name") if asked else None
    return Tensors(None if identity is None else str(identity), None if name is None else str(name))


def read_tensors(tensors: list[dict[str, Any]], signature: Signature | None, budget: Budget) -> Any:
    """One tensor of shape (rows, columns), or a named tensor of shape (rows,) per column.

    Returns:
        An array, or a table with a column for each tensor; of the tensors' own types.

    Raises:
        MalformedPayload: a tensor is misshapen, or its type is unknown.
        UnprocessablePayload: they are no table, or a value is not of its tensor's type.
        PayloadTooLarge: they have more rows or columns than a body may have.
    """
    shapes = [_shape(tensor) for tensor in tensors]
    budget.frame(len(tensors))
    names = [str(tensor.get("name", "")) for tensor in tensors]
    one = shapes[0] if len(tensors) == 1 else []
    deep = len(one) > 2 and may_have_any_shape(signature)
    if deep or (len(one) == 2 and one[1] != 1):
        array = _values(tensors[0], shapes[0], names[0])
        budget.table(shapes[0][0], shapes[0][1], cell=0)
        return array.reshape(shapes[0])
    check_distinct(names)
    for name, shape in zip(names, shapes, strict=True):
        if shape[1:] not in ([], [1]) or shape[0] != shapes[0][0]:
            raise UnprocessablePayload(
                f"input {quote(name)} has shape {quote(shape)}; give one input of shape "
                "[rows, columns], or one of shape [rows] for each column",
                column=name,
            )
    columns = [
        _values(tensor, shape, name)
        for tensor, shape, name in zip(tensors, shapes, names, strict=True)
    ]
    budget.rows(len(columns[0]))
    if len(tensors) == 1:  # Its name is the tensor's, not the column's.
        alone = columns[0].reshape(-1, 1)
        wide = len(shapes[0]) == 1 and signature is not None and len(signature.inputs) > 1
        return alone.reshape(1, -1) if wide else alone
    return ColumnTable(tuple(names), columns)


def _shape(tensor: dict[str, Any]) -> list[int]:
    shape = tensor["shape"]
    whole = isinstance(shape, list) and all(type(size) is int and size >= 0 for size in shape)
    if not whole or not shape:
        raise MalformedPayload('the "shape" of an input must be a list of sizes such as [2, 4]')
    return list(shape)


def _values(tensor: dict[str, Any], shape: list[int], name: str) -> np.ndarray[Any, Any]:
    """A tensor's values in row-major order, in its own type; they may be written nested or flat."""
    values = tensor.get("data")
    if not isinstance(values, list):
        binary = "binary_data_size" in (tensor.get("parameters") or {})
        raise MalformedPayload(
            f'input {quote(name)} must have "data", a list'
            + ("; binary data is not read here: send it as JSON" if binary else "")
        )
    values = _flattened(values, shape)
    datatype = str(tensor.get("datatype", "FP64")).upper()
    if datatype not in _TYPES:
        raise MalformedPayload(
            f"input {quote(name)} is of datatype {quote(datatype)}; one of {', '.join(_TYPES)}"
        )
    width = shape[1] if len(shape) > 1 else 1
    for position, value in enumerate(values):
        if not _fits(value, datatype):
            row = position // max(width, 1) + 1
            raise UnprocessablePayload(
                f"row {row} of input {quote(name)} holds {quote(value)}, which is no {datatype}",
                row=row,
                column=name,
            )
    if datatype == "BYTES":
        texts = np.empty(len(values), dtype=object)
        of_base64 = (tensor.get("parameters") or {}).get("content_type") == "base64"
        texts[:] = [_from_base64(text, name) for text in values] if of_base64 else values
        return texts
    floats = datatype.startswith("FP")
    given = [float("nan") if value is None else value for value in values] if floats else values
    with np.errstate(over="ignore"):
        return np.array(given, dtype=_TYPES[datatype])


def _flattened(values: list[Any], shape: list[int]) -> list[Any]:
    """Values that are written flat, or nested as their shape says.

    Raises:
        MalformedPayload: there are more or fewer, or they are nested in another way.
    """
    nested = [len(values)]
    while values and all(isinstance(value, list) for value in values):
        sizes = set(map(len, values))
        nested.append(sizes.pop() if len(sizes) == 1 else -1)
        values = [inner for value in values for inner in value]
    if len(values) != math.prod(shape):
        raise MalformedPayload(f"an input of shape {quote(shape)} has {len(values)} values")
    if len(nested) > 1 and nested != shape and not _is_column(nested, shape):
        raise MalformedPayload(
            f"an input of shape {quote(shape)} has its values in lists of another"
        )
    return values


def _is_column(nested: list[int], shape: list[int]) -> bool:
    """Whether both are of one column, which may be written as [rows] or [rows, 1]."""
    return nested[0] == shape[0] and all(size == 1 for size in [*nested[1:], *shape[1:]])


def _from_base64(text: str | None, name: str) -> str | None:
    """The text in base64, which MLServer's clients call a content type.

    Raises:
        MalformedPayload: it is none.
    """
    try:
        return None if text is None else base64.b64decode(text, validate=True).decode()
    except ValueError:
        raise MalformedPayload(
            f"input {quote(name)} holds {quote(text)}, which is no text in base64"
        ) from None


def _fits(value: Any, datatype: str) -> bool:
    if datatype == "BYTES":
        return value is None or isinstance(value, str)
    if datatype == "BOOL":
        return isinstance(value, bool)
    if datatype.startswith("FP"):
        return value is None or (isinstance(value, int | float) and abs(value) < 2.0**1023)
    if type(value) is not int:
        return False
    limits = np.iinfo(_TYPES[datatype])
    return int(limits.min) <= value <= int(limits.max)


def to_outputs(prediction: Any, signature: Signature | None, request: Tensors) -> dict[str, Any]:
    """The answer to a request of tensors: a prediction as a tensor, a table as one per column.

    Raises:
        NotAcceptable: the prediction is no table, or a column holds what no datatype is for.
    """
    answer: dict[str, Any] = {"model_name": request.model}
    if request.version is not None:
        answer["model_version"] = request.version
    if request.id is not None:
        answer["id"] = request.id
    table = to_table(prediction, signature)
    named = isinstance(prediction, pd.DataFrame | Mapping) or len(table.columns) == 1
    alike = len({column.dtype for column in table.columns}) == 1
    if named or not alike:
        names = table.names
        if request.output is not None and len(names) == 1:
            names = [request.output]
        outputs = [
            _output(name, column, [len(column)])
            for name, column in zip(names, table.columns, strict=True)
        ]
    else:
        matrix = np.column_stack(table.columns)
        outputs = [_output(request.output or "prediction", matrix.ravel(), list(matrix.shape))]
    return {**answer, "outputs": outputs}


def _output(name: str, values: np.ndarray[Any, Any], shape: list[int]) -> dict[str, Any]:
    written = cells(values)
    datatype = _NAMES.get(str(values.dtype), "BYTES")
    texts = all(value is None or isinstance(value, str) for value in written)
    if datatype == "BYTES" and not texts:
        written, datatype = _of_objects(name, written)
    return {"name": name, "datatype": datatype, "shape": shape, "data": written}


def _of_objects(name: str, values: list[Any]) -> tuple[list[Any], str]:
    """Python objects of one datatype.

    Raises:
        NotAcceptable: they are of several.
    """
    present = {type(value) for value in values if value is not None}
    if present == {bool}:
        return values, "BOOL"
    if present <= {int, float}:
        return values, "INT64" if present == {int} and None not in values else "FP64"
    raise NotAcceptable(
        f"output {quote(name)} holds values of several kinds, and a tensor has one datatype: ask "
        "with another form of JSON, such as instances"
    )
