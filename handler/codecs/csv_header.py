"""Whether a CSV body starts with a header."""

from __future__ import annotations

from collections.abc import Sequence

from contract.errors import MalformedPayload
from contract.signature import Signature
from handler.codecs.csv_cells import MISSING, is_number
from handler.codecs.media import MediaType


def has_header(
    first: Sequence[str],
    second: Sequence[str],
    media_type: MediaType,
    signature: Signature | None,
) -> bool:
    """Whether the first row holds the columns' names.

    The parameter ``header`` (RFC 4180) decides. Without it the names that the model takes
    decide, and without those, where text stands and where numbers.

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
    return _holds_names(first, names) if names else _looks_named(first, second, signature)


def column_names(cells: Sequence[str], signature: Signature | None) -> list[str]:
    """The names in a header, without the spaces around them unless the model's own have them.

    Raises:
        MalformedPayload: two columns have one name.
    """
    expected = set(signature.names or ()) if signature else set()
    names = [cell if cell in expected else cell.strip() for cell in cells]
    for position, name in enumerate(names):
        if name in names[:position]:
            raise MalformedPayload(f'the header names column "{name[:60]}" twice')
    return names


def _holds_names(first: Sequence[str], names: tuple[str, ...]) -> bool:
    cells = [cell.strip() for cell in first]
    expected = [name.strip() for name in names]
    if all(map(is_number, expected)):  # Such names may as well be a row's values.
        return cells == expected
    return not set(cells).isdisjoint(expected)


def _looks_named(first: Sequence[str], second: Sequence[str], signature: Signature | None) -> bool:
    if any(map(is_number, first)) or all(cell in MISSING for cell in first):
        return False
    kinds = {column.kind for column in signature.inputs} if signature else set()
    if kinds & {"number", "integer"}:
        return True
    below = zip(first, second, strict=False)
    return any(cell not in MISSING and is_number(value) for cell, value in below)
