"""Keeping what a fork server holds in pages that its hosts share, whatever they do with it.

To use an object is to count a reference to it, which is to write to its page, of which each host
then has a copy of its own: that is most of what a small model's host would weigh. CPython 3.12
has immortal objects, such as None, whose references are not counted. What is there before the
first fork lives as long as the fork server anyway, so it is made immortal, too.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterable, Iterator
from types import CodeType
from typing import Any

# From 3.14 on, the count shares its word with flags that differ from object to object.
VERSIONS = ((3, 12), (3, 13))
# The smallest count that no object reaches by being used.
LEAST = 2**30


def make_all_immortal() -> int:
    """Make every object immortal that can be reached now.

    Returns:
        How many they are; 0 where this version of Python has no such objects.
    """
    count = _count_of(None).value
    uncounted = sys.version_info[:2] in VERSIONS and getattr(sys, "_is_gil_enabled", lambda: True)()
    if not uncounted or count < LEAST:
        return 0
    objects = _reachable()
    for address in objects:
        ctypes.c_ssize_t.from_address(address).value = count
    return len(objects)


def _reachable() -> dict[int, Any]:
    """All objects by address: those the garbage collector knows, and what they refer to."""
    gc.unfreeze()
    known = {id(one): one for one in gc.get_objects()}
    fresh = list(known.values())
    while fresh:
        found = {id(one): one for one in (*gc.get_referents(*fresh), *_constants(fresh))}
        fresh = [one for address, one in found.items() if address not in known]
        known |= found
    return known


def _constants(objects: Iterable[object]) -> Iterator[object]:
    """What code refers to, which it does not tell the garbage collector."""
    for one in objects:
        if isinstance(one, CodeType):
            yield one.co_consts


def _count_of(one: object) -> ctypes.c_ssize_t:
    """An object's count of references, where CPython keeps it: at its beginning."""
    return ctypes.c_ssize_t.from_address(id(one))
