"""Bodies of a row for each line."""

from __future__ import annotations

from collections.abc import Iterator

from contract.errors import MalformedPayload
from handler.codecs.budget import Budget


def rows_of(text: str, budget: Budget) -> Iterator[str]:
    """The lines of a text, one by one, without blank ones at the end.

    Each is a row: a line's number is its row's.

    Raises:
        MalformedPayload: there is none, or one is blank: callers join answers to lines.
        PayloadTooLarge: there are more than a body may have.
    """
    end = len(text.rstrip())
    if not end:
        raise MalformedPayload("the body has no rows")
    budget.rows(text.count("\n", 0, end) + 1)
    number, start = 1, 0
    while start < end:
        stop = text.find("\n", start)
        line = text[start : stop if stop >= 0 else len(text)]
        if not line.strip():
            raise MalformedPayload(
                f"line {number} is blank: each line must be a row, or its answers could not be "
                "told apart by lines"
            )
        yield line
        number, start = number + 1, start + len(line) + 1
