"""Tables as the payloads of invocations, and answers as tables."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from byo.command_errors import RequestFailed
from byo.content_types import CSV, JSON, JSON_LINES, PARQUET, csv_records

if TYPE_CHECKING:
    import pandas as pd

NPY = "application/x-npy"
# In the order in which an answer keeps most of what was predicted.
ACCEPT = f"{PARQUET}, {JSON};q=0.8, {JSON_LINES};q=0.6, {CSV};q=0.4"
PREDICTION = "prediction"


def natural_content_type(data: pd.DataFrame) -> str:
    """The content type that carries a table best: Parquet, where its columns have names.

    Columns without names, as those of an array, go as an array where they are numbers.
    """
    if all(isinstance(label, str) for label in data.columns):
        return PARQUET
    numbers = all(kind.kind in "iufb" for kind in data.dtypes if hasattr(kind, "kind"))
    return NPY if numbers and len(set(data.dtypes)) == 1 else JSON


def encode(data: pd.DataFrame, content_type: str) -> bytes:
    """A table as a body.

    Raises:
        ValueError: a table is not written as that content type here.
    """
    named = all(isinstance(label, str) for label in data.columns)
    if content_type == PARQUET:
        return bytes(data.to_parquet(index=False))
    if content_type == CSV:
        return data.to_csv(index=False, header=named).encode()
    if content_type == JSON_LINES:
        columns, rows = list(map(str, data.columns)), _rows(data)
        lines = (dict(zip(columns, row, strict=True)) for row in rows) if named else rows
        return "".join(f"{_json(line)}\n" for line in lines).encode()
    if content_type == JSON:
        rows = _rows(data)
        split = {"columns": list(data.columns), "data": rows}
        return _json({"dataframe_split": split} if named else {"instances": rows}).encode()
    if content_type == NPY:
        import numpy as np

        body = io.BytesIO()
        np.save(body, data.to_numpy(), allow_pickle=False)
        return body.getvalue()
    raise ValueError(f"a table is not written as {content_type!r} here")


def decode(body: bytes, content_type: str) -> pd.DataFrame:
    """An answer as a table with a row for each prediction.

    Raises:
        RequestFailed: it is in a form that is no table.
    """
    import pandas as pd

    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == PARQUET:
            return pd.read_parquet(io.BytesIO(body))
        if kind == CSV:
            columns = zip(*csv_records(body), strict=True)
            return _named(pd.DataFrame(dict(enumerate(map(_values, columns)))))
        if kind == JSON_LINES:
            return _frame([json.loads(line) for line in body.splitlines() if line.strip()])
        if kind == JSON:
            document = json.loads(body)
            predictions = document.get("predictions") if isinstance(document, dict) else document
            if isinstance(predictions, list):
                return _frame(predictions)
    except (ValueError, OSError) as error:
        raise RequestFailed(f"the answer can't be read as {kind}: {error}") from None
    raise RequestFailed(f"the answer, in {kind or 'no content type'}, is no table of predictions")


def _rows(data: pd.DataFrame) -> list[list[Any]]:
    """A table's rows as Python's own values, what is missing as None."""
    values = data.astype(object).where(data.notna(), None)
    return [list(row) for row in values.itertuples(index=False, name=None)]


def _json(value: Any) -> str:
    """A value as JSON, each float with all its digits, which pandas' own writer cuts off."""
    return json.dumps(value, default=_plain, allow_nan=False)


def _plain(value: Any) -> Any:
    """What Python's writer does not know: dates in ISO 8601, numbers of numpy, else a text."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else str(value)


def _frame(predictions: list[Any]) -> pd.DataFrame:
    import pandas as pd

    if predictions and isinstance(predictions[0], dict):
        return pd.DataFrame.from_records(predictions)
    return _named(pd.DataFrame(predictions))


def _values(texts: Sequence[str]) -> list[Any]:
    """A column of CSV: numbers if all of it are, else texts, also those that look missing."""
    for kind in (int, float):
        try:
            return [kind(text) for text in texts]
        except ValueError:
            continue
    return list(texts)


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns without names as ``prediction``, or ``prediction_0`` and so on."""
    if frame.shape[1] == 1:
        return frame.set_axis([PREDICTION], axis=1)
    return frame.set_axis([f"{PREDICTION}_{each}" for each in range(frame.shape[1])], axis=1)
