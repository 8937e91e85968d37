"""What stands for a missing value, among Python objects and as a text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from contract.csv_number_or_missing import MISSING

# What stands for a missing value in a column of Python objects: scikit-learn's encoders, for one,
# tell None from NaN.
Missing = Literal["", "None", "NaN", "both"]


def words_among(values: Iterable[Any]) -> tuple[str, ...]:
    """Those of the words for a missing value that stand among values as text."""
    return tuple(sorted({value for value in values if isinstance(value, str)} & MISSING))


def missing_among(values: Iterable[Any]) -> Missing:
    """What stands for a missing value among objects."""
    none = nan = False
    for value in values:
        none = none or value is None
        nan = nan or (value is not None and is_missing(value))
    if none and nan:
        return "both"
    return "None" if none else "NaN" if nan else ""


def is_missing(value: Any) -> bool:
    """Whether a value stands for a missing one: None, NaN, NaT, pandas.NA."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except Exception:  # pandas.NA answers neither yes nor no, and arrays for each of their values
        return type(value).__name__ == "NAType"
