"""Whether two predictions for the same rows are the same, but for the last bits of figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

# A BLAS adds up in another order for another number of rows; what is larger than the rounding of
# some hundred additions is no rounding.
_RELATIVE = {np.dtype(np.float16): 1e-2, np.dtype(np.float32): 1e-4}
_OF_DOUBLES = 1e-9


def are_alike(one: Any, other: Any) -> bool:
    """Whether two predictions agree: labels and whole numbers exactly, figures nearly.

    Args:
        one: an array, a data frame, a series, a sparse matrix or a list.
        other: likewise.
    """
    if isinstance(one, pd.DataFrame) and isinstance(other, pd.DataFrame):
        if list(one.columns) != list(other.columns):
            return False
        return all(_are_near(one[name], other[name]) for name in one.columns)
    if isinstance(one, list) or isinstance(other, list):
        return bool(one == other)
    if sparse.issparse(one) and sparse.issparse(other):
        if one.shape != other.shape:
            return False
        return _are_near(one.toarray(), other.toarray())
    return _are_near(one, other)


def _are_near(one: Any, other: Any) -> bool:
    first, second = np.asarray(one), np.asarray(other)
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    if first.dtype.kind not in "fc":
        return bool(np.all((first == second) | ((first != first) & (second != second))))
    relative = _RELATIVE.get(first.dtype, _OF_DOUBLES)
    with np.errstate(all="ignore"):
        finite = np.abs(second[np.isfinite(second)])
        scale = float(finite.max()) if finite.size else 0.0
        return np.allclose(first, second, rtol=relative, atol=relative * scale, equal_nan=True)
