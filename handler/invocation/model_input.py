"""Check data against what a model takes, and hand it over as the model was fitted on it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from contract.column_labels import OneLabel
from contract.columns import Column
from contract.errors import UnprocessablePayload
from contract.signature import Signature
from handler.codecs.budget import NUMBER, Budget
from handler.codecs.column_table import ColumnTable, ObjectColumn, as_frame, held, without_guess
from handler.codecs.column_values import (
    Values,
    check_values,
    kept_objects,
    restore_dtype,
    widened,
    with_missing,
    writable,
)
from handler.codecs.expected_columns import UNKNOWN
from handler.invocation.column_order import check_width, in_order, names_of
from handler.invocation.records import as_records

_LARGEST = float(np.finfo(np.float32).max)


def conform(
    data: Any,
    signature: Signature | None,
    *,
    is_open: bool = False,
    as_columns: bool = False,
    budget: Budget | None = None,
) -> Any:
    """Check data against a signature and turn it into what ``model.predict`` wants.

    Missing values are passed on as NaN: whether it takes them is for the model to say.

    Args:
        data: a table, a data frame, an array of shape (rows, columns) or a sparse matrix.
        signature: what the model takes; None if nothing is known of it.
        is_open: whether it is a model that holds no trace of its input: one column of texts without
            a name is handed to it as texts, for a table would have left a trace.
        as_columns: whether a table may be handed over without a data frame around it.
        budget: what it may take; by default what the settings' defaults allow.

    Returns:
        For a model fitted on a table, a data frame with exactly its columns in its order, or
        those columns; for one fitted on an array, an array of shape (rows, columns), or the
        sparse matrix itself; for one fitted on a vector, a series or an array of shape (rows,).
        Without a signature, a data frame if the data has names, else an array.

    Raises:
        UnprocessablePayload: there are no rows, too many or too few columns, columns of other
            names, or values of another kind; the message names the row and the column.
    """
    if not data.shape[0]:
        raise UnprocessablePayload("the body has no rows; the model takes at least one")
    if signature is None or not signature.describes_inputs:
        taken = _as_it_is(as_frame(data))
        return _text_alone(taken) if is_open else taken
    if signature.container in ("records", "lists"):
        return as_records(as_frame(data), signature.container)
    if sparse.issparse(data):
        return _conform_sparse(data, signature, budget or Budget(0))
    if signature.believed and _is_other(data, signature):
        return _text_alone(_as_it_is(as_frame(data)))
    data = in_order(ColumnTable.of(data) if isinstance(data, pd.DataFrame) else data, signature)
    plain = isinstance(data, np.ndarray) and _is_plain_match(data, signature)
    taken = _from_matrix(data, signature) if plain else _from_columns(data, signature, as_columns)
    if signature.is_sparse and isinstance(taken, np.ndarray) and taken.dtype.kind in "biuf":
        return sparse.csr_matrix(taken)
    return taken


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
    names = names_of(data)
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
    return data if names_of(data) else _stacked(wide)


def _is_other(data: Any, signature: Signature) -> bool:
    """Whether data have nothing to do with the columns that are believed of an array."""
    if len(data.shape) > 2:
        return True
    width = data.shape[1] if len(data.shape) > 1 else 1
    unlike = signature.names is None and signature.container == "array"
    return unlike and names_of(data) is None and width != len(signature.inputs)


def _text_alone(data: Any) -> Any:
    one = isinstance(data, np.ndarray) and data.shape[1:] == (1,) and data.dtype.kind in "OU"
    return data[:, 0] if one and all(isinstance(value, str) for value in data[:, 0]) else data


def is_texts_alone(data: Any) -> bool:
    """Whether data are texts, one to a row, in an array of shape (rows,)."""
    return isinstance(data, np.ndarray) and data.ndim == 1 and data.dtype.kind in "OU"


def _conform_sparse(data: Any, signature: Signature, budget: Budget) -> Any:
    if not signature.believed:
        check_width(data.shape[1], signature)
    if signature.fitted_on == "array" and signature.is_sparse is not False:
        return data
    return _from_columns(written_out(data, budget), signature)


def written_out(matrix: Any, budget: Budget) -> Any:
    """A sparse matrix as an array.

    Raises:
        PayloadTooLarge: that would take more memory than the budget allows.
    """
    budget.memory(matrix.shape[0] * matrix.shape[1] * NUMBER)
    return matrix.toarray()


def _is_plain_match(data: np.ndarray[Any, Any], signature: Signature) -> bool:
    """Whether the whole array can be taken as it is: numbers, for a model of nothing else."""
    kinds = {column.kind for column in signature.inputs}
    dtypes = {column.dtype for column in signature.inputs}
    plain = kinds <= {"number", "any"} and len(dtypes) == 1 and "object" not in dtypes
    wide = data.shape[1] == len(signature.inputs)
    return plain and wide and data.dtype.kind in "iuf"


def _from_matrix(data: np.ndarray[Any, Any], signature: Signature) -> Any:
    dtype = signature.inputs[0].dtype
    if dtype in ("float32", "float64"):
        with np.errstate(over="ignore"):
            data = data.astype(dtype, copy=False)
    data = widened(data)
    if signature.fitted_on == "vector":
        return _vector(data[:, 0], signature)
    if signature.fitted_on == "array":
        return data
    return pd.DataFrame(data, columns=_index(signature.labels, data.shape[1]), copy=False)


def _from_columns(data: Any, signature: Signature, as_columns: bool = False) -> Any:
    """Check the values column by column and put them together as the model wants them."""
    given = names_of(data)
    expected = _columns_for(given, data.shape[1] if len(data.shape) > 1 else 1, signature)
    columns: list[Values] = []
    for position, (values, column) in enumerate(zip(_columns_of(data), expected, strict=True)):
        label = column.name or (given[position] if given else position + 1)
        checked = _as_text(values) if column.believed else check_values(values, column, label)
        columns.append(_kept(writable(restore_dtype(checked, column, label)), column))
    if signature.fitted_on == "vector":
        return _vector(columns[0], signature)
    if signature.fitted_on == "table":
        labels = signature.labels
        if signature.names and given is not None and given != signature.names:
            by_name = dict(zip(signature.names, labels or (), strict=True))
            labels = tuple(by_name.get(name, name) for name in given)
        if labels is not None and len(labels) != len(columns):  # only believed
            labels = None
        index = _index(labels, len(columns))
        if as_columns:
            certain = list(map(without_guess, columns))
            if not any(column is None for column in certain):
                return ColumnTable(index, certain)
        return ColumnTable(index, columns).frame()
    return _stacked(columns)


def _kept(values: Values, column: Column) -> Values:
    """Objects as they are where None stands for a missing value: pandas would make NaN of it."""
    keep = column.missing in ("None", "both") and isinstance(values, np.ndarray)
    return kept_objects(values) if keep and values.dtype == object else values


def _columns_for(
    given: tuple[str, ...] | None, width: int, signature: Signature
) -> Sequence[Column]:
    """What is known of each of the data's columns, which are in the model's order."""
    if signature.names and given is not None and given != signature.names:
        by_name = {column.name: column for column in signature.inputs}
        return [by_name.get(name, UNKNOWN) for name in given]
    if width != len(signature.inputs):  # only believed
        return [UNKNOWN] * width
    return signature.inputs


def _as_text(values: Values) -> Values:
    """Categories that a model goes by as text: a whole number that came as a float is one again."""
    if getattr(values, "dtype", None) is None or values.dtype.kind not in "f":
        return values
    whole = [int(value) if value == value // 1 else value for value in values.tolist()]
    objects = np.empty(len(values), dtype=object)
    objects[:] = whole
    return objects


def _vector(values: Values, signature: Signature) -> Any:
    name = (signature.labels or (None,))[0]
    if signature.is_series or name is not None:
        return pd.Series(held(values), name=name)
    return _stacked([values])[:, 0]


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
        data = ColumnTable.of(data)
    if isinstance(data, ColumnTable):
        return [c.values if isinstance(c, ObjectColumn) else c for c in data.columns]
    values = np.asarray(data)
    return [values] if values.ndim == 1 else list(values.T)


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


def _index(labels: tuple[Any, ...] | None, width: int) -> Any:
    """The labels of a table's columns as they were in training, or as pandas numbers them."""
    if labels is None:
        return pd.RangeIndex(width)
    if any(isinstance(label, tuple) for label in labels):
        return _index_of_tuples(labels)
    return _made_index(labels, tuple(map(type, labels)))


@lru_cache(maxsize=64)
def _made_index(labels: tuple[Any, ...], types: tuple[type, ...]) -> Any:
    """An index of labels; of other types they are others, though 1, 1.0 and True are equal."""
    return pd.Index(labels)


def _index_of_tuples(labels: tuple[Any, ...]) -> Any:
    if all(isinstance(label, tuple) and not isinstance(label, OneLabel) for label in labels):
        return pd.MultiIndex.from_tuples(labels)
    plain = [tuple(label) if isinstance(label, OneLabel) else label for label in labels]
    return pd.Index(plain, tupleize_cols=False)
