"""The texts that code of anybody's learned of its columns, as far as it keeps them by the column.

Encoders of other libraries, and most of one's own, hold a mapping for each column that they encode:
``{"zip": {"02134": 0, "10001": 1}}``. Where its keys are texts, so are the column's values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from contract.columns import flat
from contract.estimators.class_names import library_of
from contract.missing_values import is_missing

_DEEPEST = 4
# What holds more things than this is not looked through to its end.
_MOST_THINGS = 2_000
_LIBRARIES_OF_DATA = ("builtins", "numpy", "pandas", "scipy", "sklearn")


def texts_held(part: Any, names: Sequence[str | None]) -> dict[int, tuple[str, ...]]:
    """The texts that a part holds of each of its columns, by position."""
    places = {name: at for at, name in enumerate(names) if name is not None}
    found: dict[int, tuple[str, ...]] = {}
    for number, (key, value) in enumerate(_pairs(part, _DEEPEST)):
        if number >= _MOST_THINGS:
            break
        alone = len(names) == 1 and key not in places and isinstance(value, Mapping)
        at = 0 if alone else places.get(key)
        texts = _only_texts(value)
        if at is not None and texts and not set(texts) & places.keys():
            found.setdefault(at, texts)
    return found


def _pairs(thing: Any, deepest: int) -> Iterator[tuple[Any, Any]]:
    """Whatever is kept by a name, in a thing's attributes and in what they hold."""
    if not deepest:
        return
    if isinstance(thing, Mapping):
        yield thing.get("col"), thing.get("mapping")  # as category_encoders has it
        members = list(thing.items())[:_MOST_THINGS]
    elif isinstance(thing, list | tuple):
        members = list(enumerate(thing[:_MOST_THINGS]))
    elif library_of(type(thing)) not in _LIBRARIES_OF_DATA:
        members = list(getattr(thing, "__dict__", {}).items())
    else:
        return
    for key, value in members:
        if isinstance(key, str):
            yield key, value
        yield from _pairs(value, deepest - 1)


def _only_texts(value: Any) -> tuple[str, ...]:
    """The texts among the keys of a mapping, or in a list; none if there is anything else."""
    if isinstance(value, Mapping):
        value = list(value)
    elif hasattr(value, "index") and hasattr(value, "iloc"):
        value = value.index
    elif not isinstance(value, list | tuple | set | frozenset | np.ndarray):
        return ()
    given = flat(list(value)[:_MOST_THINGS])
    present = [each for each in given if not is_missing(each)]
    return tuple(present) if all(isinstance(each, str) for each in present) else ()
