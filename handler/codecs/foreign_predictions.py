"""Predictions of other libraries' types as numpy, pandas and Python have them."""

from __future__ import annotations

import array
from collections.abc import ItemsView, Iterator, KeysView, Sequence, ValuesView
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from contract.estimators.class_names import library_of

_OWN = (np.ndarray, np.generic, pd.DataFrame, pd.Series, pd.Index, pd.api.extensions.ExtensionArray)
_TO_BE_WALKED = (Iterator, range, KeysView, ValuesView, ItemsView, array.array)


def familiar(prediction: Any) -> Any:
    """A prediction as what the codecs know; as it is, where they know it or nothing is known of it.

    Tables and columns of polars and pyarrow, masked arrays, whatever has ``__array__``, as tensors
    do, and what can be walked through once.
    """
    if isinstance(prediction, np.ma.MaskedArray):
        values = np.asarray(prediction.data).astype(object)
        values[np.ma.getmaskarray(prediction)] = None
        return values
    if isinstance(prediction, _OWN) or sparse.issparse(prediction):
        return prediction
    if isinstance(prediction, _TO_BE_WALKED):
        return list(prediction)
    if library_of(type(prediction)) in ("polars", "pyarrow"):
        return _of_arrow(prediction)
    if callable(getattr(type(prediction), "__array__", None)):
        return np.asarray(prediction)
    return prediction


def _of_arrow(prediction: Any) -> Any:
    names = getattr(prediction, "column_names", None) or getattr(prediction, "columns", None)
    if names is not None:
        return pd.DataFrame({name: _column(prediction[name]) for name in names})
    return _column(prediction).to_numpy() if hasattr(prediction, "null_count") else prediction


def _column(values: Any) -> pd.Series[Any]:
    """A column with its type; one of objects, where a value is missing."""
    missing = values.null_count
    plain: Sequence[Any] = values.to_list() if hasattr(values, "to_list") else values.to_pylist()
    count = missing() if callable(missing) else missing
    return pd.Series(plain, dtype=object) if count else pd.Series(np.asarray(values))
