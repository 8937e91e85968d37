"""Where two answers to one request differ: in status, content type or body."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from byo.body_values import differences, read_values
from byo.body_values.read_values import essence
from byo.recorded.recording import RecordedAnswer

# Of one answer.
MOST_SHOWN = 5
MOST_COUNTED = 10_000


class Errors(StrEnum):
    """When two answers that are both errors, 4xx or 5xx, are alike."""

    ANY = "any"  # always
    STATUS = "status"  # with one status
    BODY = "body"  # with one status, and the same type and body


@dataclass(frozen=True)
class Strictness:
    """What counts as a difference.

    Args:
        tolerance: by how much numbers may differ, of the larger of the two or, below 1, in itself.
        errors: when two errors are alike.
    """

    tolerance: float = 0.0
    errors: Errors = Errors.STATUS


def compared(first: RecordedAnswer, second: RecordedAnswer, strictness: Strictness) -> list[str]:
    """Where two answers differ, each as a line; empty where they don't.

    Bodies are compared by their values, where their content type is known and its library is
    installed, else by their bytes. A charset counts where both name one.
    """
    both_errors = not first.ok and not second.ok
    if both_errors and strictness.errors is Errors.ANY:
        return []
    if first.status != second.status:
        return [f"status {first.status} ≠ {second.status}{_said(second)}"]
    if both_errors and strictness.errors is Errors.STATUS:
        return []
    if essence(first.content_type) != essence(second.content_type):
        return [f"content type {first.content_type or 'none'} ≠ {second.content_type or 'none'}"]
    charsets = {_charset(first.content_type), _charset(second.content_type)} - {""}
    lines = [f"charset {' ≠ '.join(sorted(charsets))}"] if len(charsets) > 1 else []
    return [*lines, *_bodies(first, second, strictness.tolerance)]


def _bodies(first: RecordedAnswer, second: RecordedAnswer, tolerance: float) -> Iterator[str]:
    if first.body == second.body:
        return
    try:
        values = [read_values(each.body, each.content_type) for each in (first, second)]
    except ValueError as error:
        heads = f"{first.body[:40]!r} ≠ {second.body[:40]!r}"
        yield f"body: {heads}, of which one can't be read: {error}"
        return
    if None in values:
        yield f"body: {_first_difference(first.body, second.body)}"
        return
    found = list(islice(differences(values[0], values[1], tolerance), MOST_COUNTED))
    yield from (f"body {difference}" for difference in found[:MOST_SHOWN])
    if len(found) > MOST_SHOWN:
        more = "or more " if len(found) == MOST_COUNTED else ""
        yield f"body: {len(found) - MOST_SHOWN} {more}further places"


def _first_difference(first: bytes, second: bytes) -> str:
    """Two bodies from their first other byte on."""
    at = next(
        (at for at, (one, other) in enumerate(zip(first, second, strict=False)) if one != other),
        min(len(first), len(second)),
    )
    return f"from byte {at} on {first[at : at + 20]!r} ≠ {second[at : at + 20]!r}"


def _charset(content_type: str) -> str:
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return ""


def _said(answer: RecordedAnswer) -> str:
    """What an error says, for the line about it."""
    if answer.ok or not answer.body:
        return ""
    text = " ".join(answer.body.decode(errors="replace").split())
    return f": {text[:160]}"
