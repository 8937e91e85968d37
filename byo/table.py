"""Small tables as plain text."""

from __future__ import annotations

from collections.abc import Sequence


def render(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table as text: columns two blanks apart, numbers to the right, no line too long by blanks.

    Args:
        header: a name for each column.
        rows: the cells, each row as long as the header; None shows as an empty cell.
    """
    cells = texts(rows)
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    right = numeric(header, rows)
    lines = [header, ["-" * width for width in widths], *cells]
    return "\n".join(_line(line, widths, right) for line in lines)


def texts(rows: Sequence[Sequence[object]]) -> list[list[str]]:
    """The cells as they are shown."""
    return [[_text(cell) for cell in row] for row in rows]


def numeric(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[bool]:
    """Whether each column holds numbers alone, which are shown to the right."""
    if not rows:
        return [False] * len(header)
    return [
        all(isinstance(cell, int | float | None) for cell in column)
        for column in zip(*rows, strict=True)
    ]


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = [
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    ]
    return "  ".join(padded).rstrip()


def _text(cell: object) -> str:
    if cell is None:
        return ""
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
