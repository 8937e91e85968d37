"""Bodies of a row for each line."""

from __future__ import annotations

from contract.errors import MalformedPayload


def numbered_lines(text: str) -> list[tuple[int, str]]:
    """The lines of a text, each with its number, without blank ones at the end.

    Raises:
        MalformedPayload: there is none, or one is blank: callers join answers to lines.
    """
    lines = list(enumerate(text.split("\n"), start=1))
    while lines and not lines[-1][1].strip():
        lines.pop()
    if not lines:
        raise MalformedPayload("the body has no rows")
    for number, line in lines:
        if not line.strip():
            raise MalformedPayload(
                f"line {number} is blank: each line must be a row, or its answers could not be "
                "told apart by lines"
            )
    return lines
