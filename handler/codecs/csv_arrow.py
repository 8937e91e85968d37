"""The fast reader for large CSV bodies: it reads what is well-formed, and judges nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from contract.columns import Column, Kind
from contract.csv_number_or_missing import MISSING
from contract.errors import UnprocessablePayload
from contract.machine import this_machine
from handler.codecs.csv_cells import read_column
from handler.codecs.whole_numbers import EXACT

_BLANK_LINE = re.compile(rb"\n[\r\n]")


def read_with_arrow(
    utf8: bytes, columns: Sequence[Column], guessed: Sequence[Kind], header: bool
) -> list[np.ndarray[Any, Any]] | None:
    """Read the columns with pyarrow, or give up.

    Args:
        utf8: the body, as UTF-8.
        columns: what is known of each column.
        guessed: their kinds, where ``any`` now means: numbers, going by the first rows.
        header: whether to pass over the first row.

    Returns:
        The columns, each of shape (rows,), as the careful reader would read them; None if
        anything at all is unusual, and that reader has to decide.
    """
    if "integer" in guessed and (b"0x" in utf8 or b"0X" in utf8):
        return None  # pyarrow takes 0x1F for an integer.
    # What is missing is an empty cell, as a rule. To look for its other names takes a fifth longer.
    table = _table(utf8, guessed, header, [""]) or _table(utf8, guessed, header, sorted(MISSING))
    if table is None or _may_have_blank_line(table, utf8):
        return None
    try:
        read = [
            _values(values, column) for values, column in zip(table.columns, columns, strict=True)
        ]
    except UnprocessablePayload:  # that reader knows what to call the column
        return None
    return None if any(values is None for values in read) else read  # type: ignore[return-value]


def _may_have_blank_line(table: Any, utf8: bytes) -> bool:
    """Whether a row may be a blank line, which pyarrow reads as one of missing values."""
    if table.num_columns == 1:
        return False  # There it is.
    numbers = [column for column in table.columns if column.type != "string"]
    if not all(column.null_count for column in numbers):
        return False
    return _BLANK_LINE.search(utf8) is not None or b"\r\r" in utf8 or utf8[0] in b"\r\n"


def _table(utf8: bytes, kinds: Sequence[Kind], header: bool, missing: list[str]) -> Any:
    """The table that pyarrow reads; None if a cell is not of its column's kind."""
    import pyarrow as pa
    from pyarrow import csv

    _use_all_cpus()
    types = {"number": pa.float64(), "any": pa.float64(), "integer": pa.int64()}
    names = [str(position) for position in range(len(kinds))]
    try:
        return csv.read_csv(
            pa.BufferReader(utf8),
            read_options=csv.ReadOptions(column_names=names, skip_rows_after_names=int(header)),
            parse_options=csv.ParseOptions(
                newlines_in_values=b'"' in utf8,
                ignore_empty_lines=False,  # A row of one column is one.
            ),
            convert_options=csv.ConvertOptions(
                check_utf8=False,
                column_types={
                    name: types.get(kind, pa.string())
                    for name, kind in zip(names, kinds, strict=True)
                },
                null_values=missing,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None


@cache
def _use_all_cpus() -> None:
    """Once in a process: else pyarrow has as many threads as OpenMP is given."""
    import pyarrow as pa

    pa.set_cpu_count(this_machine().cpus)


def _values(values: Any, column: Column) -> np.ndarray[Any, Any] | None:
    """A column as the careful reader gives it; None if that has to look at each number."""
    array: np.ndarray[Any, Any] = values.to_numpy(zero_copy_only=False)
    if array.dtype.kind == "O":
        return read_column(array.tolist(), column)
    if column.kind == "any" and (np.abs(array) >= EXACT).any():
        return None
    return array
