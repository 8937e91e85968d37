"""JSON text to Python values and back, with what clients in Python write: NaN and Infinity."""

from __future__ import annotations

import decimal
import json
import math
from typing import Any

import numpy as np
import orjson
import pandas as pd
from scipy import sparse

from contract.errors import InvocationError, MalformedPayload, PredictionFailed
from handler.codecs.charset import charset_of, decode_text, encode_text
from handler.codecs.column_table import column_arrays
from handler.codecs.media_types import MediaType
from handler.codecs.predictions import OF_TIME, dense, durations, time_as_text

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def loads_body(body: bytes, media_type: MediaType, exact: bool = False) -> Any:
    """The value that a JSON body holds.

    Args:
        body: the bytes.
        media_type: tells the charset.
        exact: whether whole numbers of more than 64 bits are to be kept as they are, which the
            faster reader makes floats of.

    Raises:
        UnsupportedContentType: the charset is unknown.
        MalformedPayload: the body is not JSON, or nested too deeply.
    """
    if charset_of(media_type) == "utf-8" and not exact:
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass  # The slower reader knows more forms, and what is wrong.
    text = decode_text(body, media_type)
    if not text.strip():
        raise MalformedPayload("the body is empty")
    try:
        return loads_text(text, exact)
    except json.JSONDecodeError as error:
        raise MalformedPayload(
            f"the body is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except ValueError as error:
        raise MalformedPayload(f"the body is not JSON: {error}") from None


def loads_text(text: str, exact: bool = False) -> Any:
    """The value that a JSON text holds; `exact` as for `loads_body`.

    Raises:
        ValueError: it is not JSON; json.JSONDecodeError where the place is known.
    """
    if not exact:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except json.JSONDecodeError:
        raise
    except ValueError:
        raise ValueError("it holds a number of thousands of digits") from None
    if "\\u" in text:
        _check_surrogates(value)
    return value


def dumps(value: Any, media_type: MediaType) -> bytes:
    """A prediction as JSON, NaN and infinities as null.

    Raises:
        PredictionFailed: it holds what JSON can't, which no caller can help.
        NotAcceptable: the charset is unknown or lacks a character, or a sparse matrix is too large
            to be written in full.
    """
    try:
        written = orjson.dumps(plain(value), default=plain, option=_OPTIONS)
    except (TypeError, RecursionError) as error:  # orjson's own error is a TypeError.
        cause = error.__cause__ or error
        if isinstance(cause, InvocationError):
            raise cause from None
        if "64-bit" in str(cause):
            return encode_text(json.dumps(_written_out(value), ensure_ascii=False), media_type)
        raise PredictionFailed(f"the prediction can't be written as JSON: {cause}") from None
    charset = charset_of(media_type)
    return written if charset == "utf-8" else encode_text(written.decode(), media_type)


def plain(value: Any) -> Any:
    """A prediction, or a part of one that orjson does not know, as what it does know.

    Raises:
        PredictionFailed: JSON has nothing like it.
        NotAcceptable: it is a sparse matrix, and too large to be written in full.
    """
    if isinstance(value, np.ndarray):
        return _plain_array(value)
    if isinstance(value, pd.DataFrame):
        names = _names_of(value)
        return _records(names, value) if names else value.astype(object).to_numpy()
    if isinstance(value, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        own = not isinstance(value.dtype, np.dtype)
        return _plain_array(np.asarray(value.astype(object) if own else value))
    if sparse.issparse(value):
        return dense(value)
    return _plain_scalar(value)


def _names_of(table: pd.DataFrame) -> list[Any] | None:
    """The names of a table's columns; None where they are only numbered, or name two alike."""
    names: Any = table.columns
    if isinstance(names, pd.RangeIndex) or not names.is_unique:
        return None
    return [name if isinstance(name, str | int | float) else str(name) for name in names]


def _records(names: list[Any], table: pd.DataFrame) -> list[dict[Any, Any]]:
    """A record for each row, by columns: pandas' own way takes longer than most models do."""
    columns = [_values_of(column).tolist() for column in column_arrays(table)]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values_of(column: Any) -> Any:
    """A column of a table as an array of numbers, texts or Python's own objects."""
    if not isinstance(column, np.ndarray):
        return column.astype(object)
    return column if column.dtype.kind in "biufUO" else pd.Series(column).astype(object)


def _written_out(value: Any) -> Any:
    """A prediction as Python's own lists, dicts and values, NaN and infinities as None."""
    value = plain(value)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(name): _written_out(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_written_out(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain_array(array: np.ndarray[Any, Any]) -> Any:
    # As float64, so that clients read the very number that the model returned.
    if array.dtype.kind == "f":
        array = array.astype(np.float64)
    if array.dtype.kind in "biuf" and array.ndim:
        return np.ascontiguousarray(array).astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype.kind == "M":
        array = np.datetime_as_string(array).astype(object)
        array[array == "NaT"] = None
    if array.dtype.kind == "m":
        array = durations(array)
    return array.tolist()


def _plain_scalar(value: Any) -> Any:
    if value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, OF_TIME):
        return time_as_text(value)
    if isinstance(value, np.floating | decimal.Decimal):
        return float(value)
    if isinstance(value, np.generic):
        return _item(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, set | frozenset):
        return list(value)
    if value is None or isinstance(value, bool | int | float | str | list | tuple | dict):
        return value
    raise _unwritable(value)


def _item(value: Any) -> Any:
    item = value.item()
    if isinstance(item, complex | np.generic):
        raise _unwritable(value)
    return item


def _unwritable(value: Any) -> PredictionFailed:
    return PredictionFailed(
        f"the prediction holds a value of type {type(value).__name__}, which can't be written as "
        "JSON; arrays, data frames, lists and dicts of single values can"
    )


def _check_surrogates(value: Any) -> None:
    """Refuse half of a surrogate pair, which is no text and fails wherever it is encoded.

    Raises:
        ValueError: the value holds one.
    """
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half of a surrogate pair") from None
