"""The rows of SageMaker's built-in algorithms in JSON: dense and sparse features.

{"features": [1, 2]}                                     a row
{"features": {"values": [1, 2]}}                         the same
{"data": {"features": {"values": [1, 2]}}}               the same
{"data": {"features": {"keys": [3], "shape": [9], "values": [1]}}}   a sparse row
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contract.errors import MalformedPayload
from contract.signature import Signature
from handler.codecs.budget import Budget
from handler.codecs.sparse_rows import SparseRows
from handler.codecs.whole_numbers import to_float

FEATURES, DATA = "features", "data"
_SPARSE = {"keys", "shape", "values"}


def unwrapped(rows: Sequence[Any], signature: Signature | None, budget: Budget) -> Any:
    """Rows without what the algorithms wrap around them.

    Returns:
        A list of lists for dense rows, a sparse matrix for sparse ones; None for rows that are not
        of this form, or whose members are the model's own columns.

    Raises:
        MalformedPayload: a sparse row is misshapen.
        PayloadTooLarge: they have more columns than a body may have.
    """
    names = set(signature.names or ()) if signature else set()
    if names & {FEATURES, DATA, *_SPARSE}:
        return None
    features = [_features(row) for row in rows]
    if not features or any(feature is None for feature in features):
        return None
    if any(isinstance(feature, dict) and "keys" in feature for feature in features):
        sparse = SparseRows()
        for number, feature in enumerate(features, start=1):
            _add(sparse, number, feature)
        return sparse.to_csr(signature, budget)
    return [feature if isinstance(feature, list) else feature["values"] for feature in features]


def is_wrapped(document: dict[str, Any], names: set[str]) -> bool:
    """Whether a document is one row of this form."""
    return not names & {FEATURES, DATA, *_SPARSE} and _features(document) is not None


def _features(row: Any) -> Any:
    """A row's features, a list or an object; None for a row of another form."""
    if isinstance(row, dict) and row.keys() == {DATA} and isinstance(row[DATA], dict):
        row = row[DATA]
    if isinstance(row, dict) and row.keys() == {FEATURES}:
        row = row[FEATURES]
        if isinstance(row, list):
            return row
        found = isinstance(row, dict) and "values" in row and row.keys() <= _SPARSE
    else:
        found = isinstance(row, dict) and row.keys() == _SPARSE
    return row if found and isinstance(row["values"], list) else None


def _add(rows: SparseRows, number: int, feature: Any) -> None:
    if isinstance(feature, list):
        feature = {"values": feature}
    values = feature["values"]
    keys = feature.get("keys", list(range(len(values))))
    shape = feature.get("shape") or []
    sizes = [shape] if isinstance(shape, int) else shape
    whole = (
        isinstance(keys, list)
        and isinstance(sizes, list)
        and all(type(one) is int for one in [*keys, *sizes])
    )
    numbers = all(isinstance(value, int | float | None) for value in values)
    if not whole or not numbers or len(sizes) > 2 or (len(sizes) == 2 and sizes[0] != 1):
        raise MalformedPayload(
            f'row {number} must have whole numbers as "keys", numbers as "values" and its number '
            'of columns as "shape"',
            row=number,
        )
    filled = [float("nan") if value is None else to_float(value) for value in values]
    rows.add(keys, filled, sizes[-1] if sizes else None)
