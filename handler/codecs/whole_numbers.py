"""Whole numbers without loss: a float holds each of them up to 2 ** 53 only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from contract.errors import UnprocessablePayload
from handler.codecs.charset import quote

# Every whole number up to here is exact in float64.
EXACT = 2.0**53


def as_floats(values: Sequence[Any], label: str | int) -> np.ndarray[Any, Any]:
    """Numbers and missing values of a column of which nothing is known, as float64.

    Args:
        values: int, float, bool or None, of shape (rows,).
        label: the column's name, or its position counted from 1.

    Raises:
        UnprocessablePayload: a whole number would become another one.
    """
    floats = np.array([to_float(value) for value in values], dtype=np.float64)
    for row in np.flatnonzero(np.abs(floats) >= EXACT).tolist():
        check_exact(values[row], floats[row], row, label)
    return floats


def check_exact(value: Any, number: float, row: int, label: str | int) -> None:
    """Refuse a whole number that a float64 turns into another one.

    Raises:
        UnprocessablePayload: it does; names row and column.
    """
    if isinstance(value, int | np.integer) and abs(number) < 2.0**64 and int(number) != int(value):
        raise UnprocessablePayload(
            f"row {row + 1}, column {quote(label)} holds {value}, which as a number of 64-bit "
            "floating point would be another; a signature (save_signature in the training script) "
            "can say that the column is of whole numbers",
            row=row + 1,
            column=label,
        )


def to_float(value: Any) -> float:
    """A number as a float, NaN for None; infinite where it is too large for one."""
    if value is None:
        return float("nan")
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def whole(value: Any) -> int | None:
    """A number without a fraction as an int; None for any other."""
    if isinstance(value, int | np.integer | np.bool_):
        return int(value)
    try:
        return int(value) if value == int(value) else None
    except (ValueError, OverflowError):  # NaN and infinities
        return None


def narrowest(numbers: Sequence[int]) -> np.ndarray[Any, Any]:
    """Whole numbers in 64 bits where they fit, else as Python's own."""
    for dtype in (np.int64, np.uint64):
        try:
            return np.array(numbers, dtype=dtype)
        except OverflowError:
            continue
    array = np.empty(len(numbers), dtype=object)
    array[:] = numbers
    return array


def restore_whole(values: Any, dtype: Any, label: str | int) -> Any:
    """Whole numbers in training's type.

    Args:
        values: numbers or missing values of shape (rows,).
        dtype: numpy's type of whole numbers, or pandas' own, which knows missing ones.
        label: the column's name, or its position counted from 1.

    Returns:
        The numbers as float64 if one has a fraction, or is missing and the type has no place for
        it: as pandas makes them, and the model has to say.

    Raises:
        UnprocessablePayload: a number is out of the type's range, or would be another as a float.
    """
    numpy_dtype = dtype if isinstance(dtype, np.dtype) else dtype.numpy_dtype
    if isinstance(values, np.ndarray) and values.dtype.kind in "iub" and dtype is numpy_dtype:
        _check_range(values, numpy_dtype, label)
        return values.astype(numpy_dtype)
    missing = np.asarray(pd.isna(values))
    if dtype is numpy_dtype and missing.any() and np.asarray(values).dtype.kind == "f":
        return np.asarray(values, dtype=np.float64)
    numbers = [None if gone else whole(value) for value, gone in zip(values, missing, strict=True)]
    fraction = any(n is None and not gone for n, gone in zip(numbers, missing, strict=True))
    if fraction or (missing.any() and dtype is numpy_dtype):
        return as_floats([None if g else v for v, g in zip(values, missing, strict=True)], label)
    whole_numbers = narrowest([number or 0 for number in numbers])
    _check_range(whole_numbers, numpy_dtype, label)
    restored = whole_numbers.astype(numpy_dtype)
    if dtype is numpy_dtype:
        return restored
    if isinstance(dtype, pd.ArrowDtype):
        make: Any = pd.array  # its types know no type that is found at run time
        return make(
            [None if g else int(n) for n, g in zip(restored, missing, strict=True)], dtype=dtype
        )
    return dtype.construct_array_type()(restored, missing)


def _check_range(numbers: np.ndarray[Any, Any], dtype: np.dtype[Any], label: str | int) -> None:
    if numbers.dtype == dtype or numbers.dtype == np.bool_:
        return
    limits = np.iinfo(dtype)
    outside = np.flatnonzero((numbers < int(limits.min)) | (numbers > int(limits.max)))
    if len(outside):
        row = int(outside[0]) + 1
        raise UnprocessablePayload(
            f"row {row}, column {quote(label)} must be from {limits.min} to {limits.max}, "
            f"not {numbers[outside[0]]}",
            row=row,
            column=label,
        )
