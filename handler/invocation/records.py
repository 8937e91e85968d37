"""Rows as a DictVectorizer or a FeatureHasher takes them: records, or lists of words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from contract.errors import UnprocessablePayload


def as_records(data: Any, container: str) -> Any:
    """An array of shape (rows,) of records, or of lists.

    Args:
        data: such an array as JSON's codec makes it, or what came in another form.
        container: ``records`` or ``lists``.

    Raises:
        UnprocessablePayload: the data have no names to make records of.
    """
    if isinstance(data, np.ndarray) and data.ndim == 1 and data.dtype == object:
        return data
    rows = np.empty(data.shape[0], dtype=object)
    if container == "lists":
        values = data.to_numpy() if isinstance(data, pd.DataFrame) else np.asarray(data)
        for at, row in enumerate(values.tolist()):
            rows[at] = [str(cell) for cell in row if not _is_missing(cell)]
        return rows
    if not isinstance(data, pd.DataFrame) or pd.api.types.is_integer_dtype(data.columns.dtype):
        raise UnprocessablePayload(
            'the model takes records of named values, such as {"name": value}, and the body has '
            "values without names"
        )
    names = list(map(str, data.columns))
    for at, row in enumerate(data.astype(object).itertuples(index=False, name=None)):
        pairs = zip(names, row, strict=True)
        rows[at] = {name: value for name, value in pairs if not _is_missing(value)}
    return rows


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NaT or (isinstance(value, float) and value != value)
