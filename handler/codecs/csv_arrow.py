"""The fast reader for large CSV bodies: it reads what is well-formed, and judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from contract.columns import Kind
from contract.machine import this_machine
from handler.codecs.csv_cells import MISSING, read_column, whole_where_exact


def read_with_arrow(
    text: str, kinds: Sequence[Kind], guessed: Sequence[Kind], header: bool
) -> list[np.ndarray[Any, Any]] | None:
    """Read the columns with pyarrow, or give up.

    Args:
        text: the body, without blank lines before its first row.
        kinds: what the signature says of each column.
        guessed: the same, where ``any`` now means: numbers, going by the first rows.
        header: whether to pass over the first row.

    Returns:
        The columns, each of shape (rows,), as the careful reader would read them; None if
        anything at all is unusual, and that reader has to decide.
    """
    if "integer" in kinds and ("0x" in text or "0X" in text):
        return None  # pyarrow takes 0x1F for an integer.
    # What is missing is an empty cell, as a rule. To look for its other names takes a fifth longer.
    table = _table(text, guessed, header, [""]) or _table(text, guessed, header, sorted(MISSING))
    if table is None:
        return None
    return [_values(column, kind) for column, kind in zip(table.columns, kinds, strict=True)]


def _table(text: str, kinds: Sequence[Kind], header: bool, missing: list[str]) -> Any:
    """The table that pyarrow reads; None if a cell is not of its column's kind."""
    import pyarrow as pa
    from pyarrow import csv

    _use_all_cpus()
    types = {"number": pa.float64(), "any": pa.float64(), "integer": pa.int64()}
    names = [str(position) for position in range(len(kinds))]
    try:
        return csv.read_csv(
            pa.BufferReader(text.encode()),
            read_options=csv.ReadOptions(column_names=names, skip_rows_after_names=int(header)),
            parse_options=csv.ParseOptions(newlines_in_values='"' in text),
            convert_options=csv.ConvertOptions(
                check_utf8=False,
                column_types={
                    name: types.get(kind, pa.string())
                    for name, kind in zip(names, kinds, strict=True)
                },
                null_values=missing,
                strings_can_be_null=True,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None


@cache
def _use_all_cpus() -> None:
    """Once in a process: else pyarrow has as many threads as OpenMP is given."""
    import pyarrow as pa

    pa.set_cpu_count(this_machine().cpus)


def _values(column: Any, kind: Kind) -> np.ndarray[Any, Any]:
    values: np.ndarray[Any, Any] = column.to_numpy(zero_copy_only=False)
    if values.dtype.kind == "O":
        return read_column(["" if value is None else value for value in values], kind)
    return whole_where_exact(values) if kind == "any" else values
