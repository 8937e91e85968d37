"""Signatures and bodies that the tests of the codecs share."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from contract.columns import Column
from contract.errors import InvocationError
from contract.signature import Signature
from handler.codecs import decode
from handler.invocation.model_input import conform

NUMBERS = Signature(tuple(Column(name, "number", "float64") for name in ("a", "b", "c")))
POSITIONS = Signature((Column(None, "number", "float64"),) * 3)
ONE = Signature((Column(None, "number", "float64"),))
MIXED = Signature(
    (
        Column("size", "number", "float64"),
        Column("count", "integer", "int64"),
        Column("code", "string", "object"),
        Column("open", "boolean", "bool"),
        Column("day", "datetime", "datetime64[us]"),
    )
)
ROWS = [[1.5, 2.0, 3.0], [4.0, 5.5, 6.0]]


def npy(array: Any, allow_pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def sparse_npz(matrix: Any) -> bytes:
    stream = io.BytesIO()
    sparse.save_npz(stream, matrix)
    return stream.getvalue()


def parquet(columns: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    pd.DataFrame(columns).to_parquet(stream)
    return stream.getvalue()


def named(rows: Sequence[Sequence[Any]], names: Sequence[str] = ("a", "b", "c")) -> dict[str, Any]:
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def records(rows: Sequence[Sequence[Any]], names: Sequence[str] = ("a", "b", "c")) -> list[Any]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def recordio(rows: Sequence[Sequence[float]]) -> bytes:
    from sagemaker_training.record_pb2 import Record

    body = b""
    for row in rows:
        record = Record()
        record.features["values"].float32_tensor.values.extend(row)
        frame = record.SerializeToString()
        body += struct.pack("<II", 0xCED7230A, len(frame)) + frame + b"\0" * (-len(frame) % 4)
    return body


def json_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


def take(body: bytes, content_type: str | None, signature: Signature | None) -> Any:
    """A body as the model would get it."""
    return conform(decode(body, content_type, signature).data, signature)


def refusal(body: bytes, content_type: str | None, signature: Signature | None) -> InvocationError:
    """The error that a body ends in."""
    try:
        taken = take(body, content_type, signature)
    except InvocationError as error:
        return error
    raise AssertionError(f"taken as {taken!r}")
