"""A CSV text as rows, and rows as columns: carefully, or where they are many or wide."""

from __future__ import annotations

import csv
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from contract.csv_number_or_missing import has_leading_zero, number
from contract.errors import MalformedPayload
from handler.codecs.budget import Budget
from handler.codecs.csv_cells import read_column
from handler.codecs.csv_layout import Layout
from handler.codecs.whole_numbers import EXACT

# Cells that are held as Python's own texts at a time.
CELLS_OF_A_PART = 256 * 1024
# A line with its end, whichever it is; found one by one, since often only the first count.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
# A line that no body ends with, since nobody can guess it: a quote left open swallows it.
_END = uuid.uuid4().hex


def split_rows(
    text: str, lines_are_rows: bool = False, budget: Budget | None = None
) -> Iterator[list[str]]:
    """The rows of a text: a row for each line, since callers join answers to lines.

    A blank line is a row of one column, missing, where the others have one. Where they have more
    it is none, and only allowed at the end.

    Args:
        text: the body.
        lines_are_rows: whether rows have one column, also where no line shows it.
        budget: what a cell may take; by default what the settings' defaults allow.

    Raises:
        MalformedPayload: a quote is left open, or a line is blank; names the line.
        PayloadTooLarge: a cell is too large.
    """
    lines = (line[0] for line in _LINE.finditer(text))
    reader = csv.reader(chain(lines, ("\n", _END)))
    blank, blanks = 0, 0  # the first blank line since the last row, and how many there are
    line, narrow = 1, lines_are_rows
    for row in _within_limits(reader, budget or Budget(0)):
        if row == [_END]:
            break
        if row and row[-1].endswith(_END):
            raise MalformedPayload(f"line {line} opens a quote that nothing closes")
        if row:
            narrow = len(row) == 1
            if blanks and not narrow:
                raise MalformedPayload(
                    f"line {blank} is blank: each line must be a row, or its answers could not "
                    "be told apart by lines"
                )
            yield from ([""] for _ in range(blanks))
            blanks = 0
            yield row
        else:
            blank = blank if blanks else line
            blanks += 1
        line = reader.line_num + 1
    # The last of them is not the body's: a line was added to it.
    if narrow:
        yield from ([""] for _ in range(blanks - 1))


def read_carefully(rows: Sequence[Sequence[str]], layout: Layout) -> list[np.ndarray[Any, Any]]:
    """Read rows cell by cell: the reference for the fast reader, and the one that names errors.

    Returns:
        The columns, each of shape (rows,).

    Raises:
        MalformedPayload: a row has another number of columns than the first; names the
            data row.
        UnprocessablePayload: a cell can't be read without a guess.
    """
    width = len(layout.columns)
    rows = rows[1:] if layout.header else rows
    _check_widths(rows, layout)
    texts: Sequence[Sequence[str]] = list(zip(*rows, strict=True)) if rows else [()] * width
    return [
        read_column(cells, column, layout.label(position), strict=layout.strict)
        for position, (cells, column) in enumerate(zip(texts, layout.columns, strict=True))
    ]


def read_wide(rows: Iterable[list[str]], layout: Layout) -> list[np.ndarray[Any, Any]] | None:
    """Read rows of many columns as numbers; None if a cell is none, or may be something else.

    To look at each column by itself would take longer than to read it.
    """
    if any(
        column.kind not in ("number", "any") or column.dtype == "object"
        for column in layout.columns
    ):
        return None
    width = len(layout.columns)
    read: list[np.ndarray[Any, Any]] = []
    for row in islice(rows, int(layout.header), None):
        if len(row) != width or (layout.strict and any(map(has_leading_zero, row))):
            return None
        try:
            read.append(np.fromiter(map(number, row), dtype=np.float64, count=width))
        except ValueError:
            return None
        if (np.abs(read[-1]) >= EXACT).any():
            return None
    return list(np.array(read).T) if read else None


def read_in_parts(rows: Iterable[list[str]], layout: Layout) -> list[np.ndarray[Any, Any]]:
    """`read_carefully` for many rows, of which it holds no more than a few as Python's texts."""
    import pyarrow as pa

    width = len(layout.columns)
    rest = iter(rows)
    header = list(islice(rest, 1)) if layout.header else []
    size = max(1, CELLS_OF_A_PART // width)
    parts: list[list[Any]] = [[] for _ in range(width)]
    count = 0
    while part := list(islice(rest, size)):
        _check_widths(part, layout, count)
        count += len(part)
        for kept, cells in zip(parts, zip(*part, strict=True), strict=True):
            kept.append(pa.array(cells, pa.large_string()))
    if not count:
        return read_carefully(header, layout)
    return [
        read_column(
            list(chain.from_iterable(part.to_pylist() for part in kept)),
            column,
            layout.label(position),
            strict=layout.strict,
        )
        for position, (kept, column) in enumerate(zip(parts, layout.columns, strict=True))
    ]


def _within_limits(reader: Iterable[list[str]], budget: Budget) -> Iterator[list[str]]:
    """What a reader gives, as long as no cell is larger than one may be.

    Raises:
        PayloadTooLarge: one is.
    """
    try:
        yield from reader
    except csv.Error:  # of a body that is text, the module has nothing else to say
        budget.cell(budget.limits.cell + 1)


def _check_widths(rows: Sequence[Sequence[str]], layout: Layout, before: int = 0) -> None:
    """Refuse a row of another number of columns than the first.

    Raises:
        MalformedPayload: names the data row, of which so many stand before these.
    """
    width = len(layout.columns)
    for at, row in enumerate(rows, start=before + 1):
        if len(row) != width:
            reference = "the header" if layout.header else "row 1"
            raise MalformedPayload(
                f"row {at} has {len(row)} columns, {reference} has {width}", row=at
            )
