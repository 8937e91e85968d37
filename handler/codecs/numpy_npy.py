"""application/x-npy: one array as numpy.save writes it, never one that needs unpickling."""

from __future__ import annotations

import io
import math
import sys
from typing import Any, BinaryIO, ClassVar

import numpy as np
import pandas as pd

from contract.errors import MalformedPayload, UnprocessablePayload
from contract.signature import Signature
from handler.codecs.budget import NUMBER, OBJECT, Budget
from handler.codecs.charset import QUOTED, quote
from handler.codecs.codec import Decoded, Envelope
from handler.codecs.expected_columns import may_have_any_shape
from handler.codecs.media_types import MediaType
from handler.codecs.predictions import to_plain_array

THE_BODY = "the body"


class NumpyNpy:
    media_types: ClassVar[tuple[str, ...]] = ("application/x-npy",)
    requires: ClassVar[tuple[str, ...]] = ()

    @staticmethod
    def read(
        body: bytes, media_type: MediaType, signature: Signature | None, budget: Budget
    ) -> Decoded:
        return Decoded(to_rows(load_array(body, budget), signature, budget))

    @staticmethod
    def write(
        prediction: Any,
        media_type: MediaType,
        signature: Signature | None,
        envelope: Envelope | None,
    ) -> bytes:
        stream = io.BytesIO()
        np.save(stream, to_plain_array(prediction), allow_pickle=False)
        return stream.getvalue()


def load_array(body: bytes, budget: Budget) -> np.ndarray[Any, Any]:
    """The array that bytes in numpy's format hold, as data: text as objects, in native bytes.

    Raises:
        MalformedPayload: as `load_raw`, or text in it can't be read.
        PayloadTooLarge: it would take more than the budget allows.
    """
    stream = io.BytesIO(body)
    check_header(stream, len(body), THE_BODY, budget)
    return native(load_raw(body), THE_BODY)


def load_raw(body: bytes) -> np.ndarray[Any, Any]:
    """The very array that bytes in numpy's format hold.

    Raises:
        MalformedPayload: they are not in that format, hold Python objects, or are more or fewer
            than the header says.
    """
    stream = io.BytesIO(body)
    check_header(stream, len(body), THE_BODY)
    stream.seek(0)
    return read_array(stream, THE_BODY)


def read_array(stream: BinaryIO, place: str) -> np.ndarray[Any, Any]:
    """The array in a stream whose header has been checked.

    Raises:
        MalformedPayload: it ends before the array does.
    """
    try:
        array: np.ndarray[Any, Any] = np.lib.format.read_array(stream, allow_pickle=False)
    except (ValueError, EOFError, TypeError) as error:
        raise MalformedPayload(f"{place} is no numpy array: {_line(error)}") from None
    return array


def check_header(stream: BinaryIO, size: int, place: str, budget: Budget | None = None) -> int:
    """Compare what a header announces with the bytes that are there, before any is allocated.

    Args:
        stream: at the start of the header; left at the end of it.
        size: the bytes from the start of the header to the end of the array.
        place: what to call the array in an error.
        budget: what the array may take; None for no bound but its bytes.

    Returns:
        The bytes of memory that the array takes at most, up to what the model is given.

    Raises:
        MalformedPayload: the header can't be read, the array is of Python objects, or it would
            need another number of bytes than there are.
        PayloadTooLarge: it would take more than the budget allows.
    """
    try:
        version = np.lib.format.read_magic(stream)
        # Version 3.0 is version 2.0 with names in another charset.
        old = version == (1, 0)
        reader = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
        shape, _, dtype = reader(stream)
    except Exception as error:  # numpy lets through whatever parsing the header raises.
        raise MalformedPayload(f"{place} is no numpy array: {_line(error)}") from None
    if dtype.hasobject:
        raise MalformedPayload(
            f"{place} holds Python objects, which are never unpickled; "
            "send numbers, booleans or text"
        )
    if not all(type(length) is int and length >= 0 for length in shape):
        raise MalformedPayload(f"{place} has the shape {quote(shape)}, which is none")
    cells = math.prod(shape)
    needed, present = cells * dtype.itemsize, size - stream.tell()
    if needed != present or (cells and not dtype.itemsize):
        raise MalformedPayload(
            f"{place} has {present} bytes of data, its header announces {quote(needed)} "
            f"(shape {quote(shape)}, type {quote(dtype)})"
        )
    taken = cells * _bytes_of(dtype)
    if budget is not None:
        budget.memory(taken)
    return taken


def _bytes_of(dtype: np.dtype[Any]) -> int:
    """What a value of a type takes at most, with what is made of it until the model has it."""
    if dtype.fields is not None:
        return dtype.itemsize + sum(_bytes_of(field[0]) for field in dtype.fields.values())
    if dtype.kind in "US":
        return OBJECT + dtype.itemsize * (2 if dtype.kind == "U" else 5)
    return dtype.itemsize + (6 * NUMBER if dtype.kind in "mM" else NUMBER // 2)


def to_rows(array: np.ndarray[Any, Any], signature: Signature | None, budget: Budget) -> Any:
    """An array as data: a structured one as a data frame, others of shape (rows, columns).

    Raises:
        UnprocessablePayload: it has more than two dimensions, or holds what is no data.
        PayloadTooLarge: it has more rows or columns than the budget allows.
    """
    if array.dtype.names is not None:
        return _frame(array)
    if array.dtype.kind not in "biufOMm":
        raise UnprocessablePayload(
            f"an array of type {quote(array.dtype)} is no data; send numbers, booleans or text"
        )
    if array.ndim > 2 and may_have_any_shape(signature):
        return array
    if array.ndim > 2:
        raise UnprocessablePayload(
            f"an array of shape {quote(array.shape)} is no table; send one of shape (rows, columns)"
        )
    if array.dtype.kind in "mM" and np.datetime_data(array.dtype)[0] == "generic":
        raise UnprocessablePayload("an array of dates or spans of time must have a unit")
    if array.ndim < 2:
        array = array.reshape(-1, 1) if _takes_one(signature) else array.reshape(1, -1)
    budget.table(array.shape[0], array.shape[1], cell=0)
    return array


def _takes_one(signature: Signature | None) -> bool:
    return signature is not None and len(signature.inputs) == 1


def _frame(array: np.ndarray[Any, Any]) -> pd.DataFrame:
    """A structured array as a data frame with a column per field.

    Raises:
        UnprocessablePayload: a field is of no single values.
    """
    columns = {name: array.reshape(-1)[name] for name in array.dtype.names or ()}
    for name, values in columns.items():
        if values.ndim != 1 or values.dtype.kind not in "biufUSOMm":
            raise UnprocessablePayload(
                f"field {quote(name)} of type {quote(values.dtype)} is no column of single values",
                column=name,
            )
    return pd.DataFrame(
        {name: native(values, f"field {quote(name)}") for name, values in columns.items()}
    )


def native(array: np.ndarray[Any, Any], place: str) -> np.ndarray[Any, Any]:
    """An array in this machine's byte order, text as Python's own strings.

    Raises:
        MalformedPayload: bytes that should be text are not.
    """
    try:
        if array.dtype.kind == "S":
            return np.char.decode(array, "utf-8").astype(object)
        if array.dtype.kind == "U":
            array = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False))
            _check_characters(array)
            return array.astype(object)
    except ValueError as error:
        raise MalformedPayload(f"{place} holds text that can't be read: {_line(error)}") from None
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        return array.astype(np.float64)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _check_characters(texts: np.ndarray[Any, Any]) -> None:
    """Refuse what is no character: half a surrogate pair, and numbers beyond Unicode.

    Raises:
        ValueError: there is one.
    """
    points = texts.reshape(-1).view(np.uint32)
    if len(points) and int(points.max()) > sys.maxunicode:
        raise ValueError("a number beyond Unicode")
    if ((points >= 0xD800) & (points < 0xE000)).any():
        raise ValueError("half a surrogate pair")


def _line(error: Exception) -> str:
    """What numpy says, in so few characters that it can't repeat more of the body than it may."""
    return " ".join(str(error).split())[: 2 * QUOTED]
