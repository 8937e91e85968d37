"""Whether a CSV body starts with a header."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from contract.columns import Column
from contract.errors import MalformedPayload
from contract.signature import Signature
from handler.codecs.csv_cells import MISSING, is_number
from handler.codecs.media_types import MediaType


def has_header(
    first: Sequence[str],
    second: Sequence[str],
    media_type: MediaType,
    signature: Signature | None,
) -> bool:
    """Whether the first row holds the columns' names.

    The parameter ``header`` (RFC 4180) decides. Without it the names that the model takes
    decide, in whatever case, then the numbers that pandas gives columns without names, and for
    a model without names, where text stands and where numbers.

    Args:
        first: the cells of the first row.
        second: the cells of the second row; empty if there is none.

    Raises:
        MalformedPayload: the parameter is neither ``present`` nor ``absent``.
    """
    stated = media_type.parameters.get("header")
    if stated is not None:
        if stated.lower() not in ("present", "absent"):
            raise MalformedPayload(
                f"the content type's header must be present or absent, not {stated[:50]!r}"
            )
        return stated.lower() == "present"
    names = signature.names if signature else None
    if signature and names and _holds_names(first, second, signature.inputs, names):
        return True
    if _are_numbered(first):
        # A row that goes on counting is one of data, and so is the row above it.
        return len(first) > 1 and _is_unlike(first, second) and not _counts_up(second)
    return not names and _looks_named(first, second, signature)


def column_names(cells: Sequence[str], signature: Signature | None) -> list[str] | None:
    """The names in a header, without the spaces around them unless the model's own have them.

    Returns:
        The names as they are written; None if they only number the columns from 0, as pandas
        does where there are no names, and the model has none such.

    Raises:
        MalformedPayload: two columns have one name.
    """
    expected = set(signature.names or ()) if signature else set()
    if _are_numbered(cells) and expected.isdisjoint(cell.strip() for cell in cells):
        return None
    names = [cell if cell in expected else cell.strip() for cell in cells]
    for position, name in enumerate(names):
        if name in names[:position]:
            raise MalformedPayload(f'the header names column "{name[:60]}" twice')
    return names


def _holds_names(
    first: Sequence[str], second: Sequence[str], columns: Sequence[Column], names: tuple[str, ...]
) -> bool:
    expected = _folded(names)
    cells = [cell.strip().casefold() for cell in first]
    known = [cell for cell in cells if cell in expected]
    if all(map(is_number, known)):  # Such names may as well be a row's values.
        all_of_them = len(cells) == len(names) and set(cells) == expected
        return all_of_them and _is_unlike(first, second)
    for_numbers = [
        given
        for given, cell, column in zip(first, cells, columns, strict=False)
        if column.kind in ("number", "integer") and cell not in expected
    ]
    if any(map(is_number, for_numbers)):
        return False
    # Text where numbers belong is no data: one name is enough to tell what it is.
    return 2 * len(known) > len(cells) or not MISSING.issuperset(for_numbers)


@lru_cache(maxsize=64)
def _folded(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in names)


def _are_numbered(cells: Sequence[str]) -> bool:
    """Whether cells are 0, 1, 2 and so on: what pandas writes above columns without names."""
    return cells[0].strip() == "0" and [cell.strip() for cell in cells] == [
        str(position) for position in range(len(cells))
    ]


def _counts_up(cells: Sequence[str]) -> bool:
    try:
        numbers = [int(cell) for cell in cells]
    except ValueError:
        return False
    return numbers == list(range(numbers[0], numbers[0] + len(cells)))


def _is_unlike(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether a row of numbers can be names, going by the row below: not if both are alike.

    One or two columns of flags are alike in any order and number: 0 and 1 are names, too.
    """
    if len(first) <= 2 and set(second) <= set(first):
        return False
    return bool(second) and sorted(second) != sorted(first)


def _looks_named(first: Sequence[str], second: Sequence[str], signature: Signature | None) -> bool:
    if any(map(is_number, first)) or all(cell in MISSING for cell in first):
        return False
    kinds = {column.kind for column in signature.inputs} if signature else set()
    if kinds & {"number", "integer"}:
        return True
    below = zip(first, second, strict=False)
    return any(cell not in MISSING and is_number(value) for cell, value in below)
