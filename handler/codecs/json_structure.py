"""What a JSON text holds, by its marks alone: how deep, how many values, what they will take."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from handler.codecs.budget import NUMBER, Budget

_MARKS = b'"[]{},:'
_OTHERS = bytes(set(range(256)) - set(_MARKS))
# No byte of JSON becomes more than this: {}, becomes a dict, its place and a row.
_MOST_PER_BYTE = 120
# The memory that Python's values take, each with its place in the list around it.
_PLACE, _NUMBER, _TEXT, _LIST = 8, 32, 72, 88
_DICT = 96
_PART = 1024 * 1024


@dataclass(frozen=True)
class Structure:
    """The marks of a JSON text that stand outside of its strings, and its other bytes."""

    depth: int
    lists: int
    objects: int
    commas: int
    members: int
    strings: int
    others: int

    @property
    def bytes(self) -> int:
        """The memory that the values take once they are read, and as columns, but for the strings'
        own characters.
        """
        values = self.commas + self.lists + self.objects
        texts = max(0, self.strings - self.members)
        numbers = max(0, values - texts - self.lists - self.objects)
        # Numbers of two digits are Python's own: only as many are new as there are digits for.
        new = min(numbers, max(0, self.others - numbers) // 2)
        return (
            self.lists * _LIST
            + self.objects * (_DICT + _size_of(-(-self.members // max(1, self.objects))))
            + texts * _TEXT
            + numbers * _PLACE
            + new * _NUMBER
            + values * NUMBER
        )


def check_json(body: bytes, budget: Budget) -> None:
    """Refuse JSON that is nested too deep, or that would take too much memory, before it is read.

    Raises:
        PayloadTooLarge: it is, or would.
    """
    deep = body.count(b"[") + body.count(b"{") > budget.limits.nesting
    if not deep and len(body) * _MOST_PER_BYTE <= budget.most:
        return
    found = structure_of(body)
    budget.nesting(found.depth)
    wide = 1 if body.isascii() else 4  # One character beyond the others makes all as wide.
    budget.memory(found.bytes + len(body) * wide)


def structure_of(body: bytes) -> Structure:
    """The marks of a JSON text; of one that is none, as far as they can be told."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = body.translate(None, _OTHERS)
    quotes, others = marks.count(b'"'), len(body) - len(marks)
    # Most strings hold no marks: what is left of them needs no second look.
    marks = marks.replace(b'""', b"")
    depth = deepest = 0
    inside = 0
    counts = np.zeros(256, dtype=np.int64)
    for start in range(0, len(marks), _PART):
        part = np.frombuffer(marks[start : start + _PART], dtype=np.uint8)
        if inside or (part == ord('"')).any():
            within = (np.cumsum(part == ord('"')) + inside) & 1
            inside = int(within[-1])
            part = part[within == 0]
        counts += np.bincount(part, minlength=256)
        steps = np.zeros(256, dtype=np.int8)
        steps[[ord("["), ord("{")]] = 1
        steps[[ord("]"), ord("}")]] = -1
        depths = np.cumsum(steps[part], dtype=np.int64)
        if len(depths):
            deepest = max(deepest, depth + int(depths.max()))
            depth += int(depths[-1])
    count = {mark: int(counts[ord(mark)]) for mark in "[{,:"}
    return Structure(deepest, count["["], count["{"], count[","], count[":"], quotes // 2, others)


@lru_cache(maxsize=256)
def _size_of(members: int) -> int:
    """The bytes of a record of so many members."""
    known = min(members, 4096)
    size = sys.getsizeof({str(number): None for number in range(known)})
    # In larger ones each member has a name of its own, too.
    return size if members == known else size * members // known + 64 * members
