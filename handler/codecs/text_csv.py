"""text/csv: comma-separated values (RFC 4180), with or without a header."""

from __future__ import annotations

import csv
import logging
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from typing import Any, ClassVar

import numpy as np

from contract.columns import Column, Kind
from contract.csv_header import column_names, is_index, judge_first_row
from contract.csv_number_or_missing import has_leading_zero, number
from contract.errors import MalformedPayload, UnprocessablePayload
from contract.signature import Signature
from handler.codecs.budget import Budget
from handler.codecs.charset import decode_text, encode_text
from handler.codecs.codec import Decoded, Envelope
from handler.codecs.column_table import ColumnTable
from handler.codecs.column_values import writable
from handler.codecs.csv_arrow import read_with_arrow
from handler.codecs.csv_cells import is_all_whole, read_column
from handler.codecs.csv_row import read_plain_row
from handler.codecs.csv_size import check_size, check_texts
from handler.codecs.csv_writer import write_csv, write_numbers
from handler.codecs.expected_columns import expected_columns
from handler.codecs.media_types import MediaType
from handler.codecs.whole_numbers import EXACT
from handler.codecs.wide_frame import WIDE

logger = logging.getLogger(__name__)

# Below this many characters Python's own reader is the faster one: benchmarks/readers.md.
SMALL = 16 * 1024
# Rows read to learn the kinds of columns that the signature leaves open.
SAMPLE = 20
# Cells that are held as Python's own texts at a time.
CELLS_OF_A_PART = 256 * 1024
# A line with its end, whichever it is; found one by one, since often only the first count.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
# A number of two with something between them that is no comma.
_SEPARATED = re.compile(r"\s*[+-]?\d[\d.,]*\s*[;\t|]\s*[+-]?\d")
# A cell that begins with more is no number, and its beginning shows how it is separated.
LONGEST_NUMBER = 100
# Digits behind a zero, where a cell begins. Each begins with one letter, which is quick to find.
_ZEROS = [re.compile(before + "[+-]?0[0-9]") for before in (",", "\n", "\r", '"')]
# A line that no body ends with, since nobody can guess it: a quote left open swallows it.
_END = uuid.uuid4().hex


@dataclass(frozen=True)
class Layout:
    """Where a body's columns are and what they hold.

    Args:
        header: whether the first row holds names.
        names: the columns' names; None where there is no header, or it only numbers them.
        columns: what is known of the columns, by name if there are names, else by position.
        index: whether the first column is but the index that pandas wrote beside the data.
        complete: whether the model's own names stand beside it, all of them.
        strict: whether nothing at all is known of the model.
    """

    header: bool
    names: list[str] | None
    columns: list[Column]
    index: bool = False
    complete: bool = False
    strict: bool = False

    @property
    def is_unsure(self) -> bool:
        """Whether what looks like a number may be a text."""
        return self.strict or any(column.unsure for column in self.columns)

    def label(self, position: int) -> str | int:
        """What to call a column in an error."""
        name = self.names[position] if self.names else self.columns[position].name
        return name or position + 1


class TextCsv:
    media_types: ClassVar[tuple[str, ...]] = ("text/csv",)
    requires: ClassVar[tuple[str, ...]] = ("pyarrow",)

    @staticmethod
    def read(
        body: bytes, media_type: MediaType, signature: Signature | None, budget: Budget
    ) -> Decoded:
        plain = None if media_type.parameters else read_plain_row(body, signature)
        if plain is not None:
            budget.columns(plain.shape[1])
            return Decoded(plain)
        text = decode_text(body, media_type)
        large = len(text) > SMALL
        lines = _lines_of(signature)
        csv.field_size_limit(budget.limits.cell)
        if large:
            check_size(text, budget)
        rows = list(islice(split_rows(text, lines, budget), SAMPLE if large else None))
        budget.table(len(rows), len(rows[0]) if rows else 0, cell=0)
        layout = find_layout(rows, media_type, signature)
        columns = None
        wide = large and len(layout.columns) > WIDE
        if wide:
            columns = read_wide(split_rows(text, lines, budget), layout)
            if columns is None:
                budget.frame(len(layout.columns))
        if large and not wide:
            guessed = guess_kinds(rows, layout)
            check_texts(text, guessed, budget)
            columns = read_with_arrow(text, layout.columns, guessed, layout.header)
            if columns is not None and layout.is_unsure and _may_be_texts(text, columns):
                columns = None
        if columns is None:
            columns = (
                read_in_parts(split_rows(text, lines, budget), layout)
                if large
                else read_carefully(rows, layout)
            )
        del text
        return Decoded(_assemble(columns, layout))

    @staticmethod
    def write(
        prediction: Any,
        media_type: MediaType,
        signature: Signature | None,
        envelope: Envelope | None,
    ) -> bytes:
        if not media_type.parameters:
            numbers = write_numbers(prediction)
            if numbers is not None:
                return numbers
        header = media_type.parameters.get("header", "").lower() == "present"
        return encode_text(write_csv(prediction, signature, header=header), media_type)


def find_layout(
    rows: Sequence[Sequence[str]], media_type: MediaType, signature: Signature | None
) -> Layout:
    """Tell from the first rows whether there is a header, and what is known of the columns.

    Raises:
        MalformedPayload: there is no row, two columns have one name, or the cells are separated
            by something other than commas.
        UnprocessablePayload: there is a header and nothing else, or nobody can tell it from a row.
    """
    if not rows:
        raise MalformedPayload("the body has no rows")
    first = rows[0]
    _check_separator(first, signature)
    header = _has_header(rows, media_type, signature)
    if header and len(rows) == 1:
        raise UnprocessablePayload(
            "the body has a header but no rows; a row that is not meant as a header takes the "
            "content type text/csv; header=absent"
        )
    expected = (signature.names or ()) if signature else ()
    try:
        names = column_names(first, expected) if header else None
    except ValueError as error:
        raise MalformedPayload(str(error)) from None
    return Layout(
        header,
        names,
        expected_columns(names, len(first), signature),
        index=names is not None and len(names) > 1 and is_index(names[0], expected),
        complete=names is not None and bool(expected) and set(names[1:]) == set(expected),
        strict=signature is None,
    )


def _has_header(
    rows: Sequence[Sequence[str]], media_type: MediaType, signature: Signature | None
) -> bool:
    """Whether the first row holds the columns' names, by the rule of contract/csv_header.py.

    Raises:
        MalformedPayload: the parameter is neither ``present`` nor ``absent``.
        UnprocessablePayload: it may be names as well as values.
    """
    stated = media_type.parameters.get("header")
    if stated is not None:
        if stated.lower() not in ("present", "absent"):
            raise MalformedPayload(
                f"the content type's header must be present or absent, not {stated[:50]!r}"
            )
        return stated.lower() == "present"
    columns = signature.inputs if signature else ()
    numbered = bool(signature and signature.fitted_on == "table" and not signature.names)
    judged = judge_first_row(rows, columns, numbered=numbered)
    # A single column of texts may well hold one above numbers.
    if judged == "either" or (judged == "likely names" and len(rows[0]) == 1):
        raise UnprocessablePayload(
            "the first row may be the columns' names as well as values: say which it is by the "
            "content type text/csv; header=present or text/csv; header=absent"
        )
    if judged.startswith("likely") and len(rows) > 1:
        _log_once("names" if judged == "likely names" else "values")
    if judged == "counting row":
        _warn_once_of_counting()
    return judged in ("names", "likely names")


@cache
def _log_once(taken_for: str) -> None:
    logger.info(
        "nothing is known of the model's columns: the first row of a CSV body was taken for %s; "
        "text/csv; header=present or header=absent says which it is",
        taken_for,
    )


@cache
def _warn_once_of_counting() -> None:
    logger.warning(
        "the first row of a CSV body counts, such as 0,1,2 or 2019,2020, and was answered as a row "
        "like the others: the model knows no names. Where it is a header, the content type "
        "text/csv; header=present says so; where its columns were named so in training, "
        "save_signature in the training script does"
    )


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


def _within_limits(reader: Iterable[list[str]], budget: Budget) -> Iterator[list[str]]:
    """What a reader gives, as long as no cell is larger than one may be.

    Raises:
        PayloadTooLarge: one is.
    """
    try:
        yield from reader
    except csv.Error:  # of a body that is text, the module has nothing else to say
        budget.cell(budget.limits.cell + 1)


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


def _lines_of(signature: Signature | None) -> bool:
    return signature is not None and len(signature.inputs) == 1


def _may_be_texts(text: str, columns: Sequence[np.ndarray[Any, Any]]) -> bool:
    """Whether a column was read as whole numbers, and digits behind a zero stand in the body."""
    numbers = [column for column in columns if column.dtype.kind == "f"]
    return any(map(is_all_whole, numbers)) and any(zero.search(text) for zero in _ZEROS)


def _check_separator(row: Sequence[str], signature: Signature | None) -> None:
    """Refuse a row that has another width than the model only because it has no commas.

    Raises:
        MalformedPayload: names what seems to separate the cells.
    """
    width = len(signature.inputs) if signature else len(row)
    if signature is None and any(_SEPARATED.match(cell[:LONGEST_NUMBER]) for cell in row):
        raise MalformedPayload(
            "the cells seem to be separated by something else: text/csv means commas between "
            "cells, and a point in a number"
        )
    if len(row) == width or width == 1:
        return
    line = ",".join(row)
    for separator, shown in (";", "';'"), ("\t", "tabs"), (None, "spaces"):
        parts = len(line.split(separator))
        # Spaces also stand within a text, so that only their number tells.
        if parts == width or (separator and len(row) == 1 < parts):
            raise MalformedPayload(
                f"the cells seem to be separated by {shown}: text/csv means commas"
            )


def guess_kinds(rows: Sequence[Sequence[str]], layout: Layout) -> list[Kind]:
    """The kinds to read by; ``any`` where the first rows hold numbers, ``string`` where not."""
    sample = rows[1:] if layout.header else rows
    guessed: list[Kind] = []
    for position, column in enumerate(layout.columns):
        kind = column.kind
        if kind == "any":
            texts = [row[position] for row in sample if position < len(row)]
            kind = "any" if _are_numbers(texts, column) else "string"
        mixed = column.dtype == "object" or column.categories is not None
        if mixed and column.kind in ("number", "any"):
            kind = "string"  # each of its values is of its own kind
        guessed.append(kind)
    return guessed


def _are_numbers(texts: Sequence[str], column: Column) -> bool:
    try:
        return bool(read_column(texts, column).dtype.kind == "f")
    except UnprocessablePayload:  # for the careful reader to say
        return True


def _assemble(columns: list[np.ndarray[Any, Any]], layout: Layout) -> Any:
    """A table, or an array of shape (rows, columns) if there are only unnamed numbers.

    Raises:
        MalformedPayload: the first column has no name, and is no index either.
    """
    names = layout.names
    if layout.index and names is not None:
        if not (layout.complete or _is_whole(columns[0])):
            raise MalformedPayload("the header gives column 1 no name, and it is no index")
        columns, names = columns[1:], names[1:]
    if names is not None:
        return ColumnTable(tuple(names), list(map(writable, columns)))
    if all(column.dtype.kind in "bf" or _is_exact(column) for column in columns):
        return np.column_stack(columns)
    return ColumnTable(None, columns)


def _is_exact(values: np.ndarray[Any, Any]) -> bool:
    """Whether floats can hold a column's whole numbers, as an array of all columns may have to."""
    if values.dtype.kind not in "iu":
        return False
    return not len(values) or max(abs(int(values.min())), int(values.max())) <= EXACT


def _is_whole(values: np.ndarray[Any, Any]) -> bool:
    """Whether a column holds whole numbers, each once, as an index does."""
    whole = values.dtype.kind == "f" and bool((values == np.floor(values)).all())
    return whole and len(np.unique(values)) == len(values)
