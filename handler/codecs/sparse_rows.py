"""Rows of keys and values, as SageMaker's built-in algorithms take them, as a sparse matrix."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from contract.errors import MalformedPayload
from contract.signature import Signature
from handler.codecs.budget import NUMBER, STORED, Budget

# Larger keys lead outside any matrix, and no array of 64 bits has room for them.
_HIGHEST_KEY = 2**63 - 1


class SparseRows:
    """Rows as they are read one by one, in as few bytes as numbers need."""

    def __init__(self) -> None:
        self._keys = array("q")
        self._values = array("d")
        self._lengths = array("q")
        self._counts = array("q")
        self._widest = 0

    def add(self, keys: Sequence[int], values: Sequence[float], width: int | None) -> None:
        """Add a row.

        Args:
            keys: the columns in which the values are.
            values: the row's values.
            width: how many columns the row has; None if it does not say.

        Raises:
            MalformedPayload: a key is out of all bounds.
        """
        if keys:
            if any(not 0 <= key <= _HIGHEST_KEY for key in keys):
                raise _misplaced(len(self._lengths) + 1, None)
            self._keys.extend(keys)
        self._counts.append(len(keys))
        self._values.extend(values)
        self._lengths.append(len(values))
        self._widest = max(self._widest, width or 0)

    def to_csr(self, signature: Signature | None, budget: Budget) -> Any:
        """The rows as a CSR matrix, as wide as they say or else as the model takes it.

        Raises:
            MalformedPayload: a row has not a key for each value, or one that leads outside the
                matrix, or comes twice.
            PayloadTooLarge: there are more rows or columns than a body may have.
        """
        rows, width = len(self._lengths), self._widest
        width = width or (len(signature.inputs) if signature else 0)
        budget.table(rows, width, cell=0)
        budget.memory(rows * NUMBER + len(self._keys) * STORED)
        if self._counts != self._lengths:
            pairs = zip(self._counts, self._lengths, strict=True)
            at = next(at for at, (keys, values) in enumerate(pairs) if keys != values)
            raise _misplaced(at + 1, width)
        keys = np.frombuffer(self._keys, dtype=np.int64)
        lengths = np.frombuffer(self._lengths, dtype=np.int64)
        ends = np.cumsum(lengths)
        beyond = np.flatnonzero(keys >= width)
        if len(beyond):
            raise _misplaced(int(np.searchsorted(ends, beyond[0], side="right")) + 1, width)
        shape = (rows, width)
        values = np.frombuffer(self._values, dtype=np.float64).copy()
        matrix = sparse.csr_matrix((values, keys, np.concatenate(([0], ends))), shape=shape)
        matrix.sort_indices()
        self._check_distinct(matrix, width)
        return matrix

    def to_array(self) -> np.ndarray[Any, Any]:
        """The rows, which have no keys, as an array of shape (rows, columns).

        Raises:
            MalformedPayload: a row has another number of columns than the first.
        """
        width = self._lengths[0]
        for number, length in enumerate(self._lengths, start=1):
            if length != width:
                raise MalformedPayload(
                    f"row {number} has {length} columns, row 1 has {width}", row=number
                )
        values = np.frombuffer(self._values, dtype=np.float64)
        return values.reshape(len(self._lengths), width).copy()

    @staticmethod
    def _check_distinct(matrix: Any, width: int) -> None:
        if len(matrix.indices) < 2:
            return
        alike = matrix.indices[1:] == matrix.indices[:-1]
        starts = matrix.indptr[1:-1]  # where a row begins, the key before is another row's
        alike[starts[(starts > 0) & (starts <= len(alike))] - 1] = False
        twice = np.flatnonzero(alike)
        if len(twice):
            row = int(np.searchsorted(matrix.indptr[1:], twice[0], side="right")) + 1
            raise _misplaced(row, width)


def _misplaced(number: int, width: int | None) -> MalformedPayload:
    below = "" if width is None else f" below {width}"
    return MalformedPayload(f"record {number} must have one key{below} for each value", row=number)
