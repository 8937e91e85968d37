"""Rows of keys and values, as SageMaker's built-in algorithms take them, as a sparse matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from contract.errors import MalformedPayload
from contract.signature import Signature
from handler.codecs.codec import check_unpacked


@dataclass(frozen=True)
class SparseRow:
    """One row: its values, the columns in which they are, and the width if it says one."""

    keys: Sequence[int]
    values: Sequence[float]
    width: int | None


def to_csr(rows: Sequence[SparseRow], signature: Signature | None) -> Any:
    """Rows as a CSR matrix, as wide as they say or else as the model takes it.

    Raises:
        MalformedPayload: a row has not a key for each value, or one that leads outside it.
        PayloadTooLarge: they announce more columns than a body may hold.
    """
    widest = max((row.width for row in rows if row.width), default=0)
    width = widest or (len(signature.inputs) if signature else 0)
    check_unpacked(8 * width)
    for number, row in enumerate(rows, start=1):
        keys = list(row.keys)
        fits = len(keys) == len(row.values) and len(set(keys)) == len(keys)
        if not fits or not all(0 <= key < width for key in keys):
            raise MalformedPayload(
                f"record {number} must have one key below {width} for each value", row=number
            )
    indptr = np.cumsum([0, *(len(row.values) for row in rows)])
    indices = np.array([key for row in rows for key in row.keys], dtype=np.int64)
    values = np.array([value for row in rows for value in row.values], dtype=np.float64)
    matrix = sparse.csr_matrix((values, indices, indptr), shape=(len(rows), width))
    matrix.sort_indices()
    return matrix
