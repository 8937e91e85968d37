"""What one body may hold and take: each codec asks before it unpacks or allocates.

A codec finds out what a body announces (a footer, a header, a count of its separators), says it to
the budget, and goes on only where that is allowed. What it says is what reading takes at its peak,
up to the data that the model is given: the constants here are what that was measured to be.
"""

from __future__ import annotations

from contract.body_limits import (
    CELL_VARIABLE,
    COLUMNS_VARIABLE,
    NESTING_VARIABLE,
    ROWS_VARIABLE,
    UNPACKED_VARIABLE,
    BodyLimits,
)
from contract.errors import PayloadTooLarge
from contract.machine import MEBIBYTE

# A body may take this many times its own size, however large it is.
TIMES = 9
# Bytes that a number takes once it is in 64 bits, with the copy that gets training's type.
NUMBER = 16
# Bytes that a value takes beside its own as an object of Python's, in all the columns it goes
# through.
OBJECT = 80
# Bytes that a value of a sparse matrix takes, with its place and what is sorted by it.
STORED = 48
# Bytes that a column of a data frame takes by itself, whatever it holds, and time like more.
COLUMN = 5 * 1024
# Bytes that a row takes by itself where it is a list or a record of Python's.
ROW = 64


class Budget:
    """What is left to one body of what it may take.

    Args:
        size: the body's bytes.
        limits: what the settings allow.
    """

    __slots__ = ("limits", "most")

    def __init__(self, size: int, limits: BodyLimits = BodyLimits()) -> None:
        self.limits = limits
        self.most = max(limits.unpacked, TIMES * size)

    def rows(self, count: int) -> None:
        """Refuse more rows than a body may have.

        Raises:
            PayloadTooLarge: as all of these, names the limit and its setting.
        """
        if count > self.limits.rows:
            raise _too_many("rows", count, self.limits.rows, ROWS_VARIABLE)

    def columns(self, count: int) -> None:
        """Refuse more columns than a body may have."""
        if count > self.limits.columns:
            raise _too_many("columns", count, self.limits.columns, COLUMNS_VARIABLE)

    def nesting(self, depth: int) -> None:
        """Refuse lists and objects that stand too deep in one another."""
        if depth > self.limits.nesting:
            raise _too_many("levels of nesting", depth, self.limits.nesting, NESTING_VARIABLE)

    def cell(self, size: int) -> None:
        """Refuse a cell of more bytes than one may have."""
        if size > self.limits.cell:
            raise PayloadTooLarge(
                f"a cell has {_megabytes(size)}, {_megabytes(self.limits.cell)} are allowed "
                f"({CELL_VARIABLE})"
            )

    def memory(self, size: int) -> None:
        """Refuse what would take more bytes of memory than a body may."""
        if size > self.most:
            raise PayloadTooLarge(
                f"the body would unpack to {_megabytes(size)}, {_megabytes(self.most)} are allowed "
                f"({UNPACKED_VARIABLE})"
            )

    def frame(self, columns: int) -> None:
        """Refuse more columns than a data frame may have, each of which takes memory by itself."""
        self.columns(columns)
        self.memory(columns * COLUMN)

    def table(self, rows: int, columns: int, cell: int = NUMBER) -> None:
        """Refuse a table that has too many rows or columns, or would take too much memory.

        Args:
            rows: how many rows it has.
            columns: how many columns.
            cell: the bytes that a cell takes.
        """
        self.rows(rows)
        self.columns(columns)
        self.memory(rows * columns * cell)


def _too_many(what: str, count: int, most: int, variable: str) -> PayloadTooLarge:
    shown = count if count < 10**18 else "far too many"
    return PayloadTooLarge(f"the body has {shown} {what}, {most} are allowed ({variable})")


def _megabytes(size: int) -> str:
    megabytes = -(-size // MEBIBYTE)
    return f"{megabytes} MB" if megabytes < 10**9 else "far too many MB"
