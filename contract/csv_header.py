"""Whether the first row of CSV names the columns, and what names it gives.

One rule for the files of a training channel and for the bodies of requests. SageMaker's text/csv
has no header, so a row is believed to be one only where

1. it is said: ``header=present`` or ``header=absent`` (RFC 4180), or an argument;
2. it holds the model's own names, or the schema's, in any order and case;
3. text stands in a column that is known to hold numbers, and no number does.

Where nothing is known of the columns, text above nothing but numbers is taken for names.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from contract.columns import Column
from contract.csv_number_or_missing import MISSING, is_number
from contract.dates_as_names import one_writing

# What a first row is: names or a row of data; the same but only likely, so that it is worth a line
# in a log; a row of numbers that count, as names may; or either, as nobody could tell.
FirstRow = Literal["names", "row", "likely names", "likely row", "counting row", "either"]

_NUMBERS = frozenset({"number", "integer"})
_TRUTHS = frozenset({"true", "false"})
# Labels below this, such as 0, 1, 2 or 1, 2, 3, are as likely a row of values; years are not.
SMALL = 1000
# How pandas names the column of an index that has no name.
INDEX = "Unnamed: 0"

# No column is counted by a number of more digits.
LONGEST_COUNT = 18


def judge_first_row(
    rows: Sequence[Sequence[str]],
    columns: Sequence[Column],
    *,
    numbered: bool = False,
) -> FirstRow:
    """What the first row of CSV is, where nobody has said it.

    Args:
        rows: the first rows, at least one.
        columns: what is known of the columns, in the model's order; empty if nothing is.
        numbered: whether the model knows its columns by the numbers 0, 1, 2, …
    """
    first, below = rows[0], rows[1:]
    names = tuple(column.name for column in columns if column.name is not None)
    if numbered:
        names = tuple(map(str, range(len(columns))))
    if names and len(first) == len(names) + 1 and is_index(first[0].strip() or INDEX, names):
        # Beside the index that pandas writes stand the columns themselves.
        return judge_first_row([row[1:] for row in rows], columns, numbered=numbered)
    if names:
        found = _by_names(first, below, columns, names)
        if found:
            return found
    if len(columns) != len(first):
        columns = [Column(None)] * len(first)
    if not names and _counts(first) and not all(map(_counts, below)):
        return "counting row"
    if any(column.kind in _NUMBERS for column in columns):
        return _by_kinds(first, columns)
    return _by_values(first, below, columns)


def column_names(cells: Sequence[str], expected: Sequence[str]) -> list[str] | None:
    """The names in a header, without the spaces around them unless the model's own have them.

    Args:
        cells: the header's.
        expected: the names that the model takes; empty if unknown.

    Returns:
        The names, a first one that is blank as pandas would name it (``INDEX``); None if they only
        number the columns from 0, as pandas does where there are no names, and none such are
        expected.

    Raises:
        ValueError: two columns have one name, or another than the first has none.
    """
    own = set(expected)
    counted = [str(position) for position in range(len(cells))]
    if [cell.strip() for cell in cells] == counted and own.isdisjoint(counted):
        return None
    names = [cell if cell in own else cell.strip() for cell in cells]
    seen: set[str] = set()
    for position, name in enumerate(names):
        if not name and "" not in own:
            if position:
                raise ValueError(f"the header gives column {position + 1} no name")
            names[0] = name = INDEX
        if name in seen:
            raise ValueError(f'the header names column "{name[:40]}" twice')
        seen.add(name)
    return names


def is_index(name: str, expected: Sequence[str]) -> bool:
    """Whether a first column of this name is the index that pandas writes beside the data."""
    return name == INDEX and name not in expected


def _by_names(
    first: Sequence[str],
    below: Sequence[Sequence[str]],
    columns: Sequence[Column],
    names: tuple[str, ...],
) -> FirstRow | None:
    """What the names that the model takes say; None if nothing."""
    expected = _folded(names)
    cells = [one_writing(cell.strip()).casefold() for cell in first]
    known = [cell for cell in cells if cell in expected]
    if not known:
        return None
    if all(map(is_number, known)):  # Such names may as well be a row's values.
        if len(cells) != len(names) or set(cells) != expected or not below:
            return None
        if all(name.isdecimal() and int(name) < SMALL for name in expected):
            return "either"
        return None if sorted(below[0]) == sorted(first) else "names"
    others = [
        given
        for given, cell, column in zip(first, cells, columns, strict=False)
        if column.kind in _NUMBERS and cell not in expected
    ]
    if any(map(is_number, others)):
        return "row"
    return "names" if 2 * len(known) > len(cells) or any(map(_is_word, others)) else None


@lru_cache(maxsize=64)
def _folded(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(one_writing(name.strip()).casefold() for name in names)


def _by_kinds(first: Sequence[str], columns: Sequence[Column]) -> FirstRow:
    """What the columns say that hold numbers."""
    cells = [cell for cell, column in zip(first, columns, strict=True) if column.kind in _NUMBERS]
    if any(map(is_number, cells)):
        return "row"
    return "names" if any(map(_is_word, cells)) else "row"


def _by_values(
    first: Sequence[str], below: Sequence[Sequence[str]], columns: Sequence[Column]
) -> FirstRow:
    """What the values say, in columns of which nothing is known."""
    open_ones = [position for position, column in enumerate(columns) if column.kind == "any"]
    if not any(map(_is_word, first)):
        return "row"
    above_numbers = any(
        _is_word(first[position]) and _are_numbers(below, position) for position in open_ones
    )
    if not above_numbers or any(map(is_number, first)):
        return "likely row" if open_ones else "row"
    return "likely names"


def _counts(row: Sequence[str]) -> bool:
    """Whether cells are whole numbers of which each is one more than that before, as 2019, 2020."""
    if len(row) < 2 or not all(cell.isascii() and cell.isdecimal() for cell in row):
        return False
    if any(len(cell) > LONGEST_COUNT for cell in row):
        return False
    numbers = list(map(int, row))
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _are_numbers(rows: Sequence[Sequence[str]], position: int) -> bool:
    cells = [row[position] for row in rows if position < len(row) and row[position] not in MISSING]
    return bool(cells) and all(map(is_number, cells))


def _is_word(cell: str) -> bool:
    """Whether a cell may be a name, and is not a mark for something missing, such as ? or -."""
    word = cell not in MISSING and not is_number(cell) and any(map(str.isalpha, cell))
    return word and cell.strip().casefold() not in _TRUTHS
