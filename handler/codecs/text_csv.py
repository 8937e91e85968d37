"""text/csv: comma-separated values (RFC 4180), with or without a header."""

from __future__ import annotations

import csv
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from contract.columns import Kind
from contract.errors import MalformedPayload, UnprocessablePayload
from contract.signature import Signature
from handler.codecs.charset import decode_text, encode_text
from handler.codecs.codec import Decoded
from handler.codecs.csv_arrow import read_with_arrow
from handler.codecs.csv_cells import read_column
from handler.codecs.csv_header import column_names, has_header
from handler.codecs.csv_row import read_plain_row
from handler.codecs.csv_writer import write_csv, write_numbers
from handler.codecs.media_types import MediaType

# Below this many characters Python's own reader is the faster one: benchmarks/readers.md.
SMALL = 16 * 1024
# Rows read to learn the kinds of columns that the signature leaves open.
SAMPLE = 20
# A line with its end, whichever it is; found one by one, since often only the first count.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
# A line that no body ends with, since nobody can guess it: a quote left open swallows it.
_END = uuid.uuid4().hex

# A text longer than the module's default of 128 KiB is still one cell.
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class Layout:
    """Where a body's columns are and what they hold.

    Args:
        header: whether the first row holds names.
        names: the columns' names; None where there is no header, or it only numbers them.
        kinds: the columns' kinds, by name if there are names, else by position.
    """

    header: bool
    names: list[str] | None
    kinds: list[Kind]


class TextCsv:
    media_types: ClassVar[tuple[str, ...]] = ("text/csv",)
    requires: ClassVar[tuple[str, ...]] = ("pyarrow",)

    @staticmethod
    def read(body: bytes, media_type: MediaType, signature: Signature | None) -> Decoded:
        plain = None if media_type.parameters else read_plain_row(body, signature)
        if plain is not None:
            return Decoded(plain)
        text = decode_text(body, media_type).lstrip("\r\n")
        large = len(text) > SMALL
        rows = list(islice(split_rows(text), SAMPLE if large else None))
        layout = find_layout(rows, media_type, signature)
        columns = None
        if large:
            columns = read_with_arrow(text, layout.kinds, guess_kinds(rows, layout), layout.header)
            rows = list(split_rows(text)) if columns is None else rows
        return Decoded(_assemble(columns or read_carefully(rows, layout), layout))

    @staticmethod
    def write(
        prediction: Any, media_type: MediaType, signature: Signature | None, envelope: str | None
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
    """Tell from the first rows whether there is a header, and from it and the signature the kinds.

    Raises:
        MalformedPayload: there is no row, two columns have one name, or the cells are separated
            by something other than commas.
        UnprocessablePayload: there is a header and nothing else.
    """
    if not rows:
        raise MalformedPayload("the body has no rows")
    first, second = rows[0], rows[1] if len(rows) > 1 else []
    _check_separator(first, signature)
    header = has_header(first, second, media_type, signature)
    if header and len(rows) == 1:
        raise UnprocessablePayload(
            "the body has a header but no rows; a row that is not meant as a header takes the "
            "content type text/csv; header=absent"
        )
    names = column_names(first, signature) if header else None
    return Layout(header, names, _kinds(names, len(first), signature))


def read_carefully(rows: Sequence[Sequence[str]], layout: Layout) -> list[np.ndarray[Any, Any]]:
    """Read rows cell by cell: the reference for the fast reader, and the one that names errors.

    Returns:
        The columns, each of shape (rows,).

    Raises:
        MalformedPayload: a row has another number of columns than the first; names the
            data row.
    """
    width = len(layout.kinds)
    rows = rows[1:] if layout.header else rows
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            reference = "the header" if layout.header else "row 1"
            raise MalformedPayload(
                f"row {number} has {len(row)} columns, {reference} has {width}", row=number
            )
    texts: Sequence[Sequence[str]] = list(zip(*rows, strict=True)) if rows else [()] * width
    return [read_column(column, kind) for column, kind in zip(texts, layout.kinds, strict=True)]


def split_rows(text: str) -> Iterator[list[str]]:
    """The rows of a text, blank lines left out.

    Raises:
        MalformedPayload: a quote is left open; names the line where its row begins.
    """
    lines = (line[0] for line in _LINE.finditer(text))
    reader = csv.reader(chain(lines, ("\n", _END)))
    line = 1
    for row in reader:
        if row == [_END]:
            return
        if row and row[-1].endswith(_END):
            raise MalformedPayload(f"line {line} opens a quote that nothing closes")
        if row:
            yield row
        line = reader.line_num + 1


def _check_separator(row: Sequence[str], signature: Signature | None) -> None:
    """Refuse a row that has another width than the model only because it has no commas.

    Raises:
        MalformedPayload: names what seems to separate the cells.
    """
    width = len(signature.inputs) if signature else len(row)
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


def _kinds(names: Sequence[str] | None, width: int, signature: Signature | None) -> list[Kind]:
    if signature is None:
        return ["any"] * width
    if names is not None and signature.names:
        by_name: dict[str | None, Kind] = {column.name: column.kind for column in signature.inputs}
        return [by_name.get(name, "any") for name in names]
    if len(signature.inputs) != width:
        return ["any"] * width  # conform will say what is wrong with the width.
    return [column.kind for column in signature.inputs]


def guess_kinds(rows: Sequence[Sequence[str]], layout: Layout) -> list[Kind]:
    """The kinds to read by; ``any`` where the first rows hold numbers, ``string`` where not."""
    sample = rows[1:] if layout.header else rows
    guessed = list(layout.kinds)
    for position, kind in enumerate(layout.kinds):
        if kind == "any":
            texts = [row[position] for row in sample if position < len(row)]
            guessed[position] = "string" if read_column(texts, "any").dtype.kind in "Ob" else "any"
    return guessed


def _assemble(columns: list[np.ndarray[Any, Any]], layout: Layout) -> Any:
    """A data frame, or an array of shape (rows, columns) if there are only unnamed numbers."""
    if layout.names is not None:
        return pd.DataFrame(dict(zip(layout.names, columns, strict=True)), copy=False)
    if all(column.dtype.kind in "if" for column in columns):
        return np.column_stack(columns)
    return pd.DataFrame(dict(enumerate(columns)), copy=False)
