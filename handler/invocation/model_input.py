"""Check data against what a model takes, and hand it over as the model was fitted on it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from contract.errors import PayloadTooLarge, UnprocessablePayload
from contract.signature import Signature
from handler.codecs.column_values import (
    Values,
    check_values,
    restore_dtype,
    widened,
    with_missing,
    writable,
)

# A sparse matrix is written out for a model that was fitted on a table; not above this size.
DENSE_LIMIT = 1024**3
_LARGEST = float(np.finfo(np.float32).max)


def conform(data: Any, signature: Signature | None) -> Any:
    """Check data against a signature and turn it into what ``model.predict`` wants.

    Missing values are passed on as NaN: whether it takes them is for the model to say.

    Args:
        data: a data frame, an array of shape (rows, columns) or a sparse matrix.
        signature: what the model takes; None if nothing is known of it.

    Returns:
        For a model fitted on a table, a data frame with exactly its columns in its order; for
        one fitted on an array, an array of shape (rows, columns), or the sparse matrix itself;
        for one fitted on a vector, a series or an array of shape (rows,). Without a signature,
        a data frame if the data has names, else an array.

    Raises:
        UnprocessablePayload: there are no rows, too many or too few columns, columns of other
            names, or values of another kind; the message names the row and the column.
    """
    if not data.shape[0]:
        raise UnprocessablePayload("the body has no rows; the model takes at least one")
    if signature is None:
        return _as_it_is(data)
    if sparse.issparse(data):
        return _conform_sparse(data, signature)
    data = _ordered(data, signature)
    if isinstance(data, np.ndarray) and _is_plain_match(data, signature):
        return _from_matrix(data, signature)
    return _from_columns(data, signature)


def first_not_finite(data: Any) -> tuple[int, str | int] | None:
    """The first cell, row by row, of which scikit-learn would say that it is not finite.

    Args:
        data: a data frame, an array of shape (rows, columns) or a sparse matrix.

    Returns:
        The row, counted from 1, and the column's name, or its position counted from 1, of the
        first missing value; if there is none, of the first number that is infinite or too large
        for float32. None if every number is finite.
    """
    if sparse.issparse(data):
        return _first_in_sparse(data.tocsr())
    names = _names_of(data)
    columns = [_numbers_of(column) for column in _columns_of(data)]
    for is_fault in (np.isnan, _overflows):
        places = [
            (int(hits[0]), position)
            for position, column in enumerate(columns)
            if len(hits := np.flatnonzero(is_fault(column)))
        ]
        if places:
            row, position = min(places)
            return row + 1, names[position] if names else position + 1
    return None


def _as_it_is(data: Any) -> Any:
    if not isinstance(data, pd.DataFrame):
        return data if sparse.issparse(data) else widened(data)
    given = _columns_of(data)
    wide = [with_missing(widened(column), None) for column in given]
    if any(new is not old for new, old in zip(wide, given, strict=True)):
        data = pd.DataFrame(dict(zip(data.columns, wide, strict=True)))
    return data if _names_of(data) else _stacked(wide)


def _conform_sparse(data: Any, signature: Signature) -> Any:
    _check_width(data.shape[1], signature)
    if signature.fitted_on == "array":
        return data
    if data.shape[0] * data.shape[1] * 8 > DENSE_LIMIT:
        raise PayloadTooLarge(
            f"a sparse matrix of shape {data.shape} is too large for a model fitted on a table"
        )
    return _from_columns(data.toarray(), signature)


def _ordered(data: Any, signature: Signature) -> Any:
    """The data with its columns in the model's order."""
    given, expected = _names_of(data), signature.names
    if given is None or expected is None:
        _check_width(data.shape[1], signature)
        return data if given is None else _by_number(data, given)
    if given == expected:
        return data
    if set(given) != set(expected) or len(given) != len(expected):
        raise _unlike_names(given, expected)
    return data[list(expected)]


def _by_number(data: Any, names: tuple[str, ...]) -> Any:
    """Columns named 0, 1, 2, … in that order, as pandas numbers those of an array."""
    numbered = [str(position) for position in range(len(names))]
    return data[numbered] if set(names) == set(numbered) else data


def _check_width(width: int, signature: Signature) -> None:
    taken = len(signature.inputs)
    if width != taken:
        names = f": {', '.join(signature.names)}" if signature.names else ""
        raise UnprocessablePayload(
            f"the body has {_plural(width, 'column')}, the model takes {taken}{names}"
        )


def _unlike_names(given: Sequence[str], expected: Sequence[str]) -> UnprocessablePayload:
    """The error that names what is missing and what is unknown, and guesses what was meant."""
    unknown = [name for name in given if name not in expected]
    missing = [name for name in expected if name not in given]
    parts = []
    if missing:
        parts.append(f"the model takes {_listed(missing)}, which the body lacks")
    if unknown:
        parts.append(f"the body has {_listed(unknown)}, which the model does not take")
    folded = {name.strip().casefold(): name for name in missing}
    for name in unknown[:3]:
        likely = difflib.get_close_matches(name.strip().casefold(), folded, n=1)
        if likely:
            parts.append(f'by "{name}" did you mean "{folded[likely[0]]}"?')
    if not parts:
        parts.append("the body names a column twice")
    return UnprocessablePayload("; ".join(parts), column=(missing or unknown or list(given))[0])


def _is_plain_match(data: np.ndarray[Any, Any], signature: Signature) -> bool:
    """Whether the whole array can be taken as it is: numbers, for a model of nothing else."""
    kinds = {column.kind for column in signature.inputs}
    dtypes = {column.dtype for column in signature.inputs}
    plain = kinds <= {"number", "any"} and len(dtypes) == 1 and "object" not in dtypes
    return plain and data.dtype.kind in "iuf"


def _from_matrix(data: np.ndarray[Any, Any], signature: Signature) -> Any:
    dtype = signature.inputs[0].dtype
    if dtype in ("float32", "float64"):
        with np.errstate(over="ignore"):
            data = data.astype(dtype, copy=False)
    data = widened(data)
    if signature.fitted_on == "vector":
        return data[:, 0]
    if signature.fitted_on == "array":
        return data
    return pd.DataFrame(data, columns=_index(signature.names, data.shape[1]), copy=False)


def _from_columns(data: Any, signature: Signature) -> Any:
    """Check the values column by column and put them together as the model wants them."""
    given = _names_of(data)
    columns: list[Values] = []
    for position, (values, column) in enumerate(
        zip(_columns_of(data), signature.inputs, strict=True)
    ):
        label = column.name or (given[position] if given else position + 1)
        checked = check_values(values, column, label)
        columns.append(writable(restore_dtype(checked, column, label)))
    if signature.fitted_on == "vector":
        name = signature.inputs[0].name
        return _stacked(columns)[:, 0] if name is None else pd.Series(columns[0], name=name)
    if signature.fitted_on == "table":
        index = _index(signature.names, len(columns))
        return pd.DataFrame(dict(zip(index, columns, strict=True)), columns=index, copy=False)
    return _stacked(columns)


def _stacked(columns: Sequence[Values]) -> np.ndarray[Any, Any]:
    """Columns as an array of its own of shape (rows, columns), which its reader may write to."""
    arrays = [np.asarray(column) for column in columns]
    alike = {array.dtype for array in arrays}
    kinds = {dtype.kind for dtype in alike}
    if kinds <= set("biuf") or ((len(alike) == 1 or kinds == {"U"}) and kinds <= set("mMU")):
        return np.column_stack(arrays)
    return np.column_stack([array.astype(object) for array in arrays])


def _columns_of(data: Any) -> list[Values]:
    """The columns, each as numpy or pandas holds it, of shape (rows,)."""
    if isinstance(data, pd.DataFrame):
        columns = [data.iloc[:, position] for position in range(data.shape[1])]
        plain = [isinstance(column.dtype, np.dtype) for column in columns]
        return [c.to_numpy() if p else c.array for c, p in zip(columns, plain, strict=True)]
    values = np.asarray(data)
    return [values] if values.ndim == 1 else list(values.T)


def _names_of(data: Any) -> tuple[str, ...] | None:
    """The names of a data frame's columns; None if they are only numbered."""
    if not isinstance(data, pd.DataFrame) or pd.api.types.is_integer_dtype(data.columns.dtype):
        return None
    return tuple(map(str, data.columns))


def _numbers_of(column: Values) -> np.ndarray[Any, Any]:
    """A column as floats: NaN where a value is missing, 0 where it is text or a date."""
    values = np.asarray(column)
    if values.dtype.kind in "biuf":
        return values.astype(np.float64, copy=False)
    return np.where(np.asarray(pd.isna(column)), np.nan, _object_numbers(values))


def _object_numbers(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    numbers = np.zeros(len(values))
    if values.dtype.kind == "O":
        for row, value in enumerate(values):
            if isinstance(value, float | np.floating):
                numbers[row] = value
    return numbers


def _overflows(column: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(np.abs(column) > _LARGEST)


def _first_in_sparse(matrix: Any) -> tuple[int, int] | None:
    for is_fault in (np.isnan, _overflows):
        hits = np.flatnonzero(is_fault(matrix.data.astype(np.float64)))
        if len(hits):
            row = int(np.searchsorted(matrix.indptr, hits[0], side="right"))
            return row, int(matrix.indices[hits[0]]) + 1
    return None


@lru_cache(maxsize=64)
def _index(names: tuple[str, ...] | None, width: int) -> Any:
    """The labels of a table's columns: their names, or as pandas numbers them."""
    return pd.RangeIndex(width) if names is None else pd.Index(names)


def _listed(names: Sequence[str], most: int = 10) -> str:
    quoted = [f'"{name}"' for name in names[:most]]
    more = [f"{len(names) - most} more"] if len(names) > most else []
    return ", ".join(quoted + more)


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
