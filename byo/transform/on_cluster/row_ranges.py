"""An object of lines in parts of so many rows each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np

CHUNK_BYTES = 4 * 1024 * 1024
NEWLINE = 10


@dataclass(frozen=True, slots=True)
class RowRange:
    """Some of an object's rows.

    Args:
        start, stop: the bytes from, and up to.
        first: the number of the first row, from 1 on.
        rows: how many there are.
    """

    start: int
    stop: int
    first: int
    rows: int


def row_ranges(stream: IO[bytes], rows: int) -> Iterator[RowRange]:
    """The ranges of a stream of lines, in order; none of an empty one.

    Args:
        stream: from its beginning.
        rows: of each range; the last has what is left.
    """
    start = position = found = 0
    first, ended = 1, True
    while chunk := stream.read(CHUNK_BYTES):
        ends = np.flatnonzero(np.frombuffer(chunk, np.uint8) == NEWLINE) + (position + 1)
        taken = 0
        while len(ends) - taken >= rows - found:
            taken += rows - found
            stop = int(ends[taken - 1])
            yield RowRange(start, stop, first, rows)
            start, first, found = stop, first + rows, 0
        found += len(ends) - taken
        position += len(chunk)
        ended = chunk[-1] == NEWLINE
    if position > start:
        yield RowRange(start, position, first, found + (not ended))


class RangeReader:
    """A file's bytes from one position up to another, to be read once.

    Args:
        file: opened for reading bytes.
        start, stop: as for `RowRange`.
    """

    def __init__(self, file: IO[bytes], start: int, stop: int) -> None:
        file.seek(start)
        self._file = file
        self._left = stop - start

    def read(self, size: int) -> bytes:
        content = self._file.read(min(size, self._left))
        self._left -= len(content)
        return content
