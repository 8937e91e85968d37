"""How much one request's body may hold and unpack to, whatever its size on the wire."""

from __future__ import annotations

from dataclasses import dataclass

from contract.environment_reader import Reader
from contract.machine import MEBIBYTE

ROWS_VARIABLE = "BYO_MAX_ROWS"
COLUMNS_VARIABLE = "BYO_MAX_COLUMNS"
CELL_VARIABLE = "BYO_MAX_CELL_IN_MB"
NESTING_VARIABLE = "BYO_MAX_NESTING"
UNPACKED_VARIABLE = "BYO_MAX_UNPACKED_IN_MB"


@dataclass(frozen=True)
class BodyLimits:
    """What a body may hold.

    Args:
        rows: rows, records or lines (``BYO_MAX_ROWS``).
        columns: columns, or members of a record (``BYO_MAX_COLUMNS``).
        cell: bytes of a single cell (``BYO_MAX_CELL_IN_MB``).
        nesting: how deep lists and objects may stand in one another (``BYO_MAX_NESTING``).
        unpacked: bytes of memory that reading a body may take; nine times the body, where that is
            more (``BYO_MAX_UNPACKED_IN_MB``).
    """

    rows: int = 20_000_000
    columns: int = 2**24
    cell: int = 32 * MEBIBYTE
    nesting: int = 100
    unpacked: int = 512 * MEBIBYTE

    @classmethod
    def from_reader(cls, read: Reader) -> BodyLimits:
        """Read the limits.

        Raises:
            SettingsError: a value can't be used; the message names its variable.
        """
        return cls(
            rows=read.integer(ROWS_VARIABLE, default=cls.rows, least=1),
            columns=read.integer(COLUMNS_VARIABLE, default=cls.columns, least=1),
            cell=read.integer(CELL_VARIABLE, default=cls.cell // MEBIBYTE, least=1) * MEBIBYTE,
            nesting=read.integer(NESTING_VARIABLE, default=cls.nesting, least=2, most=1000),
            unpacked=read.integer(UNPACKED_VARIABLE, default=cls.unpacked // MEBIBYTE, least=1)
            * MEBIBYTE,
        )
