"""Where a CSV body's columns are and what they hold, told from its first rows."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from contract.columns import Column, Kind
from contract.csv_header import column_names, is_index, judge_first_row
from contract.errors import MalformedPayload, UnprocessablePayload
from contract.signature import Signature
from handler.codecs.csv_cells import read_column
from handler.codecs.expected_columns import expected_columns
from handler.codecs.media_types import MediaType

logger = logging.getLogger(__name__)

# A number of two with something between them that is no comma.
_SEPARATED = re.compile(r"\s*[+-]?\d[\d.,]*\s*[;\t|]\s*[+-]?\d")
# A cell that begins with more is no number, and its beginning shows how it is separated.
LONGEST_NUMBER = 100


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
        "the first row of a CSV body may be a header or values, and was taken for %s; "
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


def _are_numbers(texts: Sequence[str], column: Column) -> bool:
    try:
        return bool(read_column(texts, column).dtype.kind == "f")
    except UnprocessablePayload:  # for the careful reader to say
        return True
