"""text/csv: comma-separated values (RFC 4180), with or without a header."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from contract.errors import MalformedPayload
from contract.signature import Signature
from handler.codecs.budget import Budget
from handler.codecs.charset import decode_text, encode_text
from handler.codecs.codec import Decoded, Envelope
from handler.codecs.column_table import ColumnTable
from handler.codecs.column_values import writable
from handler.codecs.csv_arrow import read_with_arrow
from handler.codecs.csv_cells import is_all_whole
from handler.codecs.csv_layout import Layout, find_layout, guess_kinds
from handler.codecs.csv_row import read_plain_row
from handler.codecs.csv_rows import read_carefully, read_in_parts, read_wide, split_rows
from handler.codecs.csv_size import CsvSize
from handler.codecs.csv_writer import write_csv, write_numbers
from handler.codecs.media_types import MediaType
from handler.codecs.whole_numbers import EXACT
from handler.codecs.wide_frame import WIDE

# Below this many characters Python's own reader is the faster one: benchmarks/readers.md.
SMALL = 16 * 1024
# Rows read to learn the kinds of columns that the signature leaves open.
SAMPLE = 20
# Digits behind a zero, where a cell begins. Each begins with one letter, which is quick to find.
_ZEROS = [re.compile(before + "[+-]?0[0-9]") for before in (",", "\n", "\r", '"')]


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
            utf8 = _as_utf8(text, body, media_type)
            size = CsvSize(text, utf8)
            size.check(budget)
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
            size.check_texts(guessed, budget)
            columns = read_with_arrow(utf8, layout.columns, guessed, layout.header)
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


def _as_utf8(text: str, body: bytes, media_type: MediaType) -> bytes:
    """The text as UTF-8: the body itself, most often."""
    if text.isascii() and len(text) == len(body) and "charset" not in media_type.parameters:
        return body
    return text.encode()


def _lines_of(signature: Signature | None) -> bool:
    return signature is not None and len(signature.inputs) == 1


def _may_be_texts(text: str, columns: Sequence[np.ndarray[Any, Any]]) -> bool:
    """Whether a column was read as whole numbers, and digits behind a zero stand in the body."""
    numbers = [column for column in columns if column.dtype.kind == "f"]
    return any(map(is_all_whole, numbers)) and any(zero.search(text) for zero in _ZEROS)


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
