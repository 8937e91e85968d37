"""The JSONPath of batch transform's filters: SageMaker's few operators, and what they choose.

``$`` · ``.name`` · ``*`` · ``['a','b']`` · ``[0,-1]`` · ``[1:3]`` · ``[0,5:]``. A name or a number
chooses a value; names in brackets together an object of these; several numbers, a slice and ``*``
a list. Libraries know more operators, which SageMaker would refuse, and give matches rather than a
value of the right shape, so it is read here.
https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from byo.command_errors import RunFailed, UsageError

MOST_CHARACTERS = 63
OPERATORS = "$ .name * ['a','b'] [0,-1] [1:3]"
_STEP = re.compile(
    r"""\.?\[ \s* (?P<star>\*) \s* \]
      | \.?\[ \s* (?P<names> '[^']*' (?: \s*,\s* '[^']*' )* ) \s* \]
      | \.?\[ \s* (?P<numbers> -?\d*(?::-?\d*)? (?: \s*,\s* -?\d*(?::-?\d*)? )* ) \s* \]
      | \. (?P<any>\*)
      | \. (?P<name> [\w-]+ )""",
    re.VERBOSE,
)
_NAME = re.compile(r"'([^']*)'")


class NothingThere(RunFailed):
    """A path chooses what a record does not have."""


@dataclass(frozen=True)
class Names:
    """Members of an object: one gives its value, several an object."""

    names: tuple[str, ...]
    together: bool

    def choose(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise NothingThere(f"{self.names[0]!r} is asked of {_what(value)}")
        for name in self.names:
            if name not in value:
                raise NothingThere(f"there is no member {name!r}")
        if self.together:
            return {name: value[name] for name in self.names}
        return value[self.names[0]]


@dataclass(frozen=True)
class Numbers:
    """Items of a list: a number alone gives an item, everything else a list."""

    items: tuple[int | slice, ...]

    def choose(self, value: Any) -> Any:
        if not isinstance(value, list):
            raise NothingThere(f"a number is asked of {_what(value)}")
        if len(self.items) == 1 and isinstance(self.items[0], int):
            return value[self.positions(len(value))[0]]
        return [value[position] for position in self.positions(len(value))]

    def positions(self, length: int) -> Sequence[int]:
        """Which items of a list of a length are chosen, in the order asked for."""
        return list(self._positions(length))

    def _positions(self, length: int) -> Iterator[int]:
        for item in self.items:
            if isinstance(item, slice):
                _check_slice(item, length)
                yield from range(*item.indices(length))
            elif -length <= item < length:
                yield item % length
            else:
                raise NothingThere(f"index {item} is outside of {length} values")


@dataclass(frozen=True)
class Every:
    """All values of an object or of a list, as a list."""

    def choose(self, value: Any) -> Any:
        if isinstance(value, dict):
            return list(value.values())
        if isinstance(value, list):
            return value
        raise NothingThere(f"* is asked of {_what(value)}")


Step = Names | Numbers | Every


@dataclass(frozen=True)
class JsonPath:
    """A path that has been read.

    Args:
        text: as it was written.
        steps: from the root on.
    """

    text: str
    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: str) -> JsonPath:
        """Read a path.

        Raises:
            UsageError: SageMaker would not take it.
        """
        if len(text) > MOST_CHARACTERS:
            raise UsageError(
                f"the JSONPath {text} has {len(text)} characters: SageMaker takes "
                f"{MOST_CHARACTERS} at most"
            )
        if not text.startswith("$"):
            raise UsageError(f"the JSONPath {text!r} does not begin with $, the record")
        steps, position = [], 1
        while position < len(text):
            match = _STEP.match(text, position)
            step = _step(match) if match else None
            if match is None or step is None:
                raise UsageError(
                    f"the JSONPath {text}: {text[position:]!r} is none of SageMaker's operators "
                    f"({OPERATORS})"
                )
            steps.append(step)
            position = match.end()
        return cls(text, tuple(steps))

    @property
    def is_of_columns(self) -> bool:
        """Whether it can choose among the columns of a row of CSV."""
        return not self.steps or (len(self.steps) == 1 and not isinstance(self.steps[0], Names))

    def choose(self, value: Any) -> Any:
        """What the path chooses of a JSON value.

        Raises:
            NothingThere: the value has nothing of the kind.
        """
        try:
            for step in self.steps:
                value = step.choose(value)
        except NothingThere as error:
            raise NothingThere(f"{self.text}: {error}") from None
        return value

    def columns(self) -> Callable[[list[bytes]], list[bytes]]:
        """What chooses among the fields of a row of CSV, for many rows of the same length."""
        step = self.steps[0] if self.steps else Every()
        if not isinstance(step, Numbers):
            return lambda fields: fields
        known: dict[int, Sequence[int]] = {}

        def chosen(fields: list[bytes]) -> list[bytes]:
            length = len(fields)
            if length not in known:
                try:
                    known[length] = step.positions(length)
                except NothingThere as error:
                    raise NothingThere(f"{self.text}: {error}") from None
            return [fields[position] for position in known[length]]

        return chosen


def _step(match: re.Match[str]) -> Step | None:
    found = match.groupdict()
    if found["star"] or found["any"]:
        return Every()
    if found["name"]:
        return Names((found["name"],), together=False)
    if found["names"]:
        names = tuple(_NAME.findall(found["names"]))
        return Names(names, together=len(names) > 1)
    items = [_item(part.strip()) for part in (found["numbers"] or "").split(",")]
    return None if None in items else Numbers(tuple(item for item in items if item is not None))


def _item(text: str) -> int | slice | None:
    if not text or text == "-":
        return None
    start, colon, stop = text.partition(":")
    try:
        if not colon:
            return int(start)
        return slice(int(start) if start else None, int(stop) if stop else None)
    except ValueError:
        return None


def _check_slice(item: slice, length: int) -> None:
    """A slice may end where the values do, and begin at any of them."""
    inside = range(-length, max(length, 1)), range(-length, length + 1)
    for index, allowed in zip((item.start, item.stop), inside, strict=True):
        if index is not None and index not in allowed:
            raise NothingThere(f"index {index} is outside of {length} values")


def _what(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}
    return kinds.get(type(value), "a number")
