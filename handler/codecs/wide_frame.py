"""Data frames of many columns: those of floats are put in as one block, not one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

# Where a frame has more columns than this, most of its time goes into each of them.
WIDE = 1000


def frame_of(keys: Sequence[Any], columns: Sequence[Any]) -> pd.DataFrame:
    """Columns as a data frame, as ``pd.DataFrame(dict(zip(keys, columns)))`` makes it.

    Args:
        keys: the columns' names, none of them twice, or a range that counts them.
        columns: arrays of shape (rows,), which the frame may keep as they are.
    """
    floats = [at for at, values in enumerate(columns) if _is_of_floats(values)]
    if (
        isinstance(keys, range)
        and len(columns) - len(floats) > WIDE
        and not _has_own_types(columns)
    ):
        # Nobody sees the types of columns without names: what goes by them checks each value.
        cells = np.empty((len(columns[0]), len(columns)), dtype=object)
        for at, values in enumerate(columns):
            cells[:, at] = values
        return pd.DataFrame(cells, dtype=object)
    if len(floats) < WIDE:
        return pd.DataFrame(dict(zip(keys, columns, strict=True)), copy=False)
    frame = pd.DataFrame(np.column_stack([columns[at] for at in floats]), copy=False)
    if len(floats) < len(columns):
        frame.columns = pd.Index(floats)
        known = set(floats)
        others = {at: values for at, values in enumerate(columns) if at not in known}
        frame = pd.concat([frame, pd.DataFrame(others, copy=False)], axis=1)
        frame = frame[list(range(len(columns)))]
    frame.columns = pd.RangeIndex(len(keys)) if isinstance(keys, range) else pd.Index(list(keys))
    return frame


def _has_own_types(columns: Sequence[Any]) -> bool:
    """Whether a column is of another type than numpy's objects and floats."""
    return any(
        not isinstance(values, np.ndarray) or values.dtype.kind not in "Of" for values in columns
    )


def _is_of_floats(values: Any) -> bool:
    return isinstance(values, np.ndarray) and values.dtype == np.float64
