"""application/jsonlines: one row per line, a list, a record or a single value."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy import sparse

from contract.errors import MalformedPayload, UnprocessablePayload
from contract.signature import Signature
from handler.codecs.budget import Budget
from handler.codecs.charset import decode_text, encode_text
from handler.codecs.codec import Decoded, Envelope
from handler.codecs.expected_columns import holds_any_number
from handler.codecs.json_rows import to_data
from handler.codecs.json_structure import check_json
from handler.codecs.json_text import dumps, loads_text, plain
from handler.codecs.media_types import MediaType
from handler.codecs.predictions import dense
from handler.codecs.text_lines import rows_of

_UTF8 = MediaType("application", "jsonlines")


class JsonLines:
    media_types: ClassVar[tuple[str, ...]] = (
        "application/jsonlines",
        "application/x-ndjson",
        "application/x-jsonlines",
    )
    requires: ClassVar[tuple[str, ...]] = ("orjson",)

    @staticmethod
    def read(
        body: bytes, media_type: MediaType, signature: Signature | None, budget: Budget
    ) -> Decoded:
        check_json(body, budget)
        lines = rows_of(decode_text(body, media_type), budget)
        exact = holds_any_number(signature)
        rows = [_row(number, line, exact) for number, line in enumerate(lines, start=1)]
        try:
            return Decoded(to_data(rows, signature, budget))
        except (MalformedPayload, UnprocessablePayload) as error:
            if error.row is None:
                raise
            place = f"line {error.row}"
            raise type(error)(
                f"{place}: {error.detail}", row=error.row, column=error.column
            ) from None

    @staticmethod
    def write(
        prediction: Any,
        media_type: MediaType,
        signature: Signature | None,
        envelope: Envelope | None,
    ) -> bytes:
        lines = [dumps(row, _UTF8) for row in _predictions(prediction)]
        text = b"".join(line + b"\n" for line in lines)
        return encode_text(text.decode(), media_type)


def _row(number: int, line: str, exact: bool) -> Any:
    """The list or record of a line; a single value is a row of one column.

    Raises:
        MalformedPayload: the line is not JSON.
    """
    try:
        value = loads_text(line, exact)
    except json.JSONDecodeError as error:
        raise MalformedPayload(
            f"line {number} is not JSON: column {error.colno}: {error.msg}"
        ) from None
    except ValueError as error:
        raise MalformedPayload(f"line {number} is not JSON: {error}") from None
    return value if isinstance(value, list | dict) else [value]


def _predictions(prediction: Any) -> Any:
    """The single predictions of which a prediction consists."""
    if isinstance(prediction, pd.DataFrame):
        return plain(prediction)
    if sparse.issparse(prediction):
        return dense(prediction)
    if isinstance(prediction, np.ndarray) and prediction.ndim:
        return prediction
    if isinstance(prediction, pd.Series):
        return prediction.array
    return prediction if isinstance(prediction, list | tuple) else [prediction]
