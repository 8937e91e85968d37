"""Bodies as plain values: lists, dictionaries, numbers and texts.

A content type whose library is not installed here has no values, and neither has one that is not
known: such bodies can only be compared byte by byte.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from byo.content_types import CSV, JSON, JSON_LINES, PARQUET, csv_records

# A number as JSON writes it: 007 is a code and stays a text.
NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?\Z")
NOT_FINITE = {"nan", "inf", "-inf", "infinity", "-infinity"}


def read_values(body: bytes, content_type: str) -> Any:
    """The values of a body.

    Args:
        body: the bytes.
        content_type: with or without parameters.

    Returns:
        JSON's own values; for CSV a list of rows, each a list of numbers and texts; for JSON
        lines a list; for NPY nested lists of its shape, for NPZ a dictionary of these; for
        Parquet a dictionary of columns; for RecordIO-protobuf a list of rows. None where the
        content type is not known here, or its library not installed.

    Raises:
        ValueError: the body is not of its content type.
    """
    reader = READERS.get(essence(content_type))
    return None if reader is None else reader(body)


def essence(content_type: str) -> str:
    """A content type in lower case, without parameters."""
    return content_type.partition(";")[0].strip().lower()


def _json(body: bytes) -> Any:
    return json.loads(body)


def _json_lines(body: bytes) -> list[Any]:
    return [json.loads(line) for line in body.splitlines() if line.strip()]


def _csv(body: bytes) -> list[list[Any]]:
    return [[_cell(cell) for cell in record] for record in csv_records(body)]


def _cell(text: str) -> Any:
    if NUMBER.match(text):
        return float(text) if any(mark in text for mark in ".eE") else int(text)
    return float(text) if text.lower() in NOT_FINITE else text


def _npy(body: bytes) -> Any:
    import numpy as np

    return np.load(io.BytesIO(body), allow_pickle=False).tolist()


def _npz(body: bytes) -> dict[str, Any]:
    import zipfile

    import numpy as np

    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return {name: arrays[name].tolist() for name in arrays.files}
    except zipfile.BadZipFile as error:
        raise ValueError(str(error)) from None


def _parquet(body: bytes) -> Any:
    if find_spec("pyarrow") is None:
        return None
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.read_table(io.BytesIO(body)).to_pydict()
    except pyarrow.ArrowException as error:
        raise ValueError(str(error)) from None


def _recordio(body: bytes) -> Any:
    try:
        from handler.codecs.budget import Budget
        from handler.codecs.media_types import MediaType
        from handler.codecs.recordio import RecordIo
    except ImportError:  # scipy, which serving needs
        return None
    if not all(find_spec(module.partition(".")[0]) for module in RecordIo.requires):
        return None
    from contract.errors import ByoError

    try:
        media_type = MediaType.parse(RecordIo.media_types[0])
        data = RecordIo.read(body, media_type, None, Budget(len(body))).data
    except ByoError as error:
        raise ValueError(str(error)) from None
    return (data.toarray() if hasattr(data, "toarray") else data).tolist()


READERS: dict[str, Callable[[bytes], Any]] = {
    CSV: _csv,
    JSON: _json,
    "application/problem+json": _json,
    JSON_LINES: _json_lines,
    "application/x-jsonlines": _json_lines,
    "application/jsonl": _json_lines,
    "application/x-npy": _npy,
    "application/x-npz": _npz,
    PARQUET: _parquet,
    "application/vnd.apache.parquet": _parquet,
    "application/x-recordio-protobuf": _recordio,
}
