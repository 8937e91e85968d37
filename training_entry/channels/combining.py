"""Many files, one data frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from training_entry.channels.channel_error import ChannelError
from training_entry.channels.declared_schema import Table

if TYPE_CHECKING:
    from pandas import DataFrame, Series


def combine(tables: Sequence[Table]) -> DataFrame:
    """The rows of all tables, one below the other, with the first one's order of columns.

    Raises:
        ChannelError: two tables differ in their columns, or in what a column holds.
    """
    import pandas as pd

    first = tables[0]
    for table in tables[1:]:
        _check_columns(first, table)
    # A file without rows says nothing of its columns' types.
    filled = [table for table in tables if len(table.frame)]
    if len(filled) < 2:
        return (filled or tables)[0].frame[list(first.frame.columns)]
    for name in first.frame.columns:
        _check_kinds(filled, name)
    frames = [table.frame[list(first.frame.columns)] for table in filled]
    return pd.concat(frames, ignore_index=True)


def _check_columns(first: Table, other: Table) -> None:
    expected, present = list(first.frame.columns), list(other.frame.columns)
    if set(expected) == set(present):
        return
    if all(isinstance(name, int) for name in expected + present):
        raise ChannelError(
            f"{other.name} has {len(present)} columns, where {first.name} has {len(expected)}"
        )
    for name in expected:
        if name not in present:
            raise ChannelError(f"{other.name} lacks the column {name}, which {first.name} has")
    extra = next(name for name in present if name not in expected)
    raise ChannelError(f"{other.name} has a column {extra}, which {first.name} lacks")


def _check_kinds(tables: Sequence[Table], name: Any) -> None:
    """Refuse a column of numbers here and of text there, of which nothing good can be made."""
    known = [(table, _kind(table.frame[name])) for table in tables]
    known = [(table, kind) for table, kind in known if kind]
    for table, kind in known[1:]:
        first, expected = known[0]
        if kind != expected:
            raise ChannelError(
                f"{table.name}{_odd_one(table, name, kind)}: column {name} holds {kind}, where "
                f"{first.name} has {expected}: mend the file, or declare the column in a schema"
            )


def _kind(values: Series[Any]) -> str:
    """What a column holds, roughly; empty where it holds nothing."""
    import pandas as pd

    if values.isna().all():
        return ""
    if pd.api.types.is_bool_dtype(values):
        return "true and false"
    if pd.api.types.is_numeric_dtype(values):
        return "numbers"
    if pd.api.types.is_datetime64_any_dtype(values):
        return "dates"
    return "text"


def _odd_one(table: Table, name: Any, kind: str) -> str:
    """Where a column of text has its first value that is no number; empty if it has none."""
    import pandas as pd

    if kind != "text":
        return ""
    values = table.frame[name]
    odd = (pd.to_numeric(values, errors="coerce").isna() & values.notna()).to_numpy()
    return f", {table.place(int(odd.argmax()))}" if odd.any() else ""
