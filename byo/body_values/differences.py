"""Where two values differ, as places in them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Difference:
    """One place at which two values are not the same.

    Args:
        place: the way to it, such as ``[3].score``; empty for the values as a whole.
        first: what the first has there, shortened.
        second: what the second has.
    """

    place: str
    first: str
    second: str

    def __str__(self) -> str:
        at = f"at {self.place}: " if self.place else ""
        return f"{at}{self.first} ≠ {self.second}"


def differences(first: Any, second: Any, tolerance: float = 0.0) -> Iterator[Difference]:
    """Each place at which two values differ, in the order of the first.

    Args:
        first: of lists, dictionaries, numbers, texts, booleans and None.
        second: another.
        tolerance: by how much numbers may differ, of the larger of the two or, below 1, in itself.
            Whole numbers and others compare by value; two NaN are the same.
    """
    return _walk(first, second, tolerance, "")


def shown(value: Any) -> str:
    """A value as a short text."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _walk(first: Any, second: Any, tolerance: float, place: str) -> Iterator[Difference]:
    if isinstance(first, dict) and isinstance(second, dict):
        yield from _members(first, second, tolerance, place)
    elif isinstance(first, list | tuple) and isinstance(second, list | tuple):
        yield from _items(first, second, tolerance, place)
    elif not _same(first, second, tolerance):
        yield Difference(place, shown(first), shown(second))


def _members(
    first: dict[Any, Any], second: dict[Any, Any], tolerance: float, place: str
) -> Iterator[Difference]:
    for name in first:
        if name in second:
            yield from _walk(first[name], second[name], tolerance, f"{place}.{name}")
        else:
            yield Difference(f"{place}.{name}", shown(first[name]), "nothing")
    for name in second:
        if name not in first:
            yield Difference(f"{place}.{name}", "nothing", shown(second[name]))


def _items(first: Any, second: Any, tolerance: float, place: str) -> Iterator[Difference]:
    if len(first) != len(second):
        yield Difference(place, f"{len(first)} values", f"{len(second)} values")
    for at, (one, other) in enumerate(zip(first, second, strict=False)):
        yield from _walk(one, other, tolerance, f"{place}[{at}]")


def _same(first: Any, second: Any, tolerance: float) -> bool:
    if _is_number(first) and _is_number(second):
        if first == second:
            return True
        if math.isnan(first) or math.isnan(second):
            return math.isnan(first) and math.isnan(second)
        return math.isclose(first, second, rel_tol=tolerance, abs_tol=tolerance)
    return type(first) is type(second) and bool(first == second)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
