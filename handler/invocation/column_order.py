"""A request's columns in the model's order: by name, by number, and what if they differ."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from contract.dates_as_names import one_writing
from contract.errors import UnprocessablePayload
from contract.estimators.boosters import without_blanks
from contract.signature import Signature
from handler.codecs.charset import QUOTED, quote
from handler.codecs.column_table import ColumnTable

# A name of more characters is no number, nor is it compared with others.
LONGEST_NUMBER = 18
LONGEST_NAME = 80
# Names among which one is looked for that is like another.
MOST_NAMES = 1000
# Names that only number columns, such as x1, x2, … or 0, 1, 2, …
_NUMBERED = re.compile(r"(\D*?)0*(\d+)")


def names_of(data: Any) -> tuple[str, ...] | None:
    """The names of a table's or a data frame's columns; None if they are only numbered."""
    if isinstance(data, ColumnTable):
        labels = data.labels
    else:
        labels = data.columns if isinstance(data, pd.DataFrame) else None
    if isinstance(labels, pd.Index):
        return None if pd.api.types.is_integer_dtype(labels.dtype) else tuple(map(str, labels))
    return None if labels is None else tuple(labels)


def in_order(data: Any, signature: Signature) -> Any:
    """The data with its columns in the model's order.

    Columns that the model never looks at are filled with missing values where they are lacking;
    so are those of which it takes a missing value, where records left them out. Further ones are
    refused, dropped or handed on, as the signature says. Where it is only believed, what the model
    lacks is for the model to say.

    Raises:
        UnprocessablePayload: there are too many or too few columns, or columns of other names.
    """
    given, expected = names_of(data), signature.names
    if given is None or expected is None:
        if not signature.believed:
            check_width(data.shape[1], signature)
        return data if given is None else _by_number(data, given)
    if given == expected:
        return data
    if len(set(given)) < len(given):
        raise unlike_names(given, expected)
    of_records = isinstance(data, ColumnTable) and data.of_records
    data, given = _called_as_expected(data, given, expected)
    known, sent = set(expected), set(given)
    further = [name for name in given if name not in known]
    lacking = [name for name in expected if name not in sent]
    if further and signature.further == "refuse":
        raise unlike_names(given, expected)
    filled = _may_be_filled(lacking, further, signature, of_records)
    left = [name for name in lacking if name not in set(filled)] if filled else lacking
    if left and not signature.believed:
        raise unlike_names(given, expected)
    wanted = [name for name in expected if name not in set(left)] if left else list(expected)
    columns = dict(zip(given, data.columns, strict=True))
    columns |= {name: np.full(data.shape[0], np.nan) for name in filled}
    return _taken(columns, wanted + (further if signature.further == "pass" else []))


def lacks(data: Any, signature: Signature | None) -> UnprocessablePayload | None:
    """The error that names the columns that data lack, if they lack any that the model had."""
    given = names_of(data)
    if signature is None or signature.names is None or given is None:
        return None
    missing = set(signature.names) - set(given)
    return unlike_names(given, signature.names) if missing else None


def _may_be_filled(
    lacking: Sequence[str], further: Sequence[str], signature: Signature, of_records: bool
) -> list[str]:
    """The lacking columns that the model does without.

    A table without a column is another table than the model was fitted on: scikit-learn refuses
    it. A record leaves out what it has no value for.

    Raises:
        UnprocessablePayload: one of them may be meant by a column of another name: to fill it
            would answer another question than was asked.
    """
    columns = {column.name: column for column in signature.inputs}
    optional = [name for name in lacking if of_records and columns[name].may_be_missing]
    meant = [name for name in further if likely_name(name, optional)]
    if meant:
        given = [name for name in columns if name is not None and name not in lacking]
        raise unlike_names([*given, *meant], signature.names or ())
    return [*optional, *(name for name in lacking if columns[name].unused)]


def _called_as_expected(
    data: Any, given: tuple[str, ...], expected: tuple[str, ...]
) -> tuple[Any, tuple[str, ...]]:
    """Names as the model has them, where they differ only in how a program writes them."""
    if set(given) == set(expected):
        return data, given
    for writing in (without_blanks, one_writing):
        known = {writing(name): name for name in expected}
        if len(known) == len(given) and {writing(name) for name in given} == known.keys():
            given = tuple(known[writing(name)] for name in given)
            return ColumnTable(given, data.columns), given
    return data, given


def _by_number(data: Any, names: tuple[str, ...]) -> Any:
    """Columns by the numbers in their names, where a program may have sorted those as text.

    That is where they count all columns from 0 or 1, in whatever order; other whole numbers only if
    they are in the order of text. A model of positions knows no other names.
    """
    if len(max(names, key=len, default="")) > LONGEST_NUMBER:
        return data
    found = [_NUMBERED.fullmatch(name) for name in names]
    if not all(found) or len({match[1] for match in found if match}) > 1:
        return data
    numbers = [int(match[2]) for match in found if match]
    counted = sorted(numbers)
    counts = counted in (list(range(len(names))), list(range(1, len(names) + 1)))
    if not counts and (found[0] is None or found[0][1] or list(names) != sorted(names)):
        return data
    columns = dict(zip(names, data.columns, strict=True))
    return _taken(columns, [name for _, name in sorted(zip(numbers, names, strict=True))])


def _taken(columns: Mapping[str, Any], names: Sequence[str]) -> ColumnTable:
    return ColumnTable(tuple(names), [columns[name] for name in names])


def check_width(width: int, signature: Signature) -> None:
    """Refuse another number of columns than the model takes.

    Raises:
        UnprocessablePayload: it is another; the message has both.
    """
    taken = len(signature.inputs)
    if width != taken:
        names = f": {', '.join(signature.names)}" if signature.names else ""
        raise UnprocessablePayload(
            f"the body has {_plural(width, 'column')}, the model takes {taken}{names}"
        )


def unlike_names(given: Sequence[str], expected: Sequence[str]) -> UnprocessablePayload:
    """The error that names what is missing and what is unknown, and guesses what was meant."""
    known, sent = set(expected), set(given)
    unknown = [name for name in given if name not in known]
    missing = [name for name in expected if name not in sent]
    parts = []
    if missing:
        parts.append(f"the model takes {_listed(missing)}, which the body lacks")
    if unknown:
        parts.append(
            f"the body has {_listed(unknown, longest=QUOTED)}, which the model does not take"
        )
    for name in unknown[:3]:
        if likely := likely_name(name, missing):
            parts.append(f'by {quote(name)} did you mean "{likely}"?')
    if not parts:
        parts.append("the body names a column twice")
    return UnprocessablePayload("; ".join(parts), column=(missing or unknown or list(given))[0])


def likely_name(name: str, names: Sequence[str]) -> str | None:
    """The one of several names that was likely meant by another."""
    if len(name) > LONGEST_NAME:
        return None
    folded = {each.strip().casefold(): each for each in names[:MOST_NAMES]}
    likely = difflib.get_close_matches(name.strip().casefold(), folded, n=1)
    return folded[likely[0]] if likely else None


def _listed(names: Sequence[str], most: int = 10, longest: int = 160) -> str:
    """Names as an error lists them: as many as have room, and how many there are beside them."""
    shown: list[str] = []
    for name in names[:most]:
        quoted = quote(name)
        if shown and sum(map(len, shown)) + len(quoted) > longest:
            break
        shown.append(quoted)
    more = [f"{len(names) - len(shown)} more"] if len(names) > len(shown) else []
    return ", ".join(shown + more)


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
