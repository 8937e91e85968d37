"""What the pages of a parquet file unpack to, by their own headers: a footer may say less.

A page begins with a header in thrift's compact protocol, of which three numbers matter: what kind
of page it is, and its bytes unpacked and packed. All else is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(
    13
)
_WHOLE = frozenset({_I16, _I32, _I64})
_UNPACKED, _PACKED = 2, 3
_DEEPEST = 16


class BrokenPage(ValueError):
    """The header of a page can't be read."""


def unpacked_size(body: bytes, metadata: Any) -> int:
    """The bytes that all pages of a file announce to unpack to.

    Args:
        body: the file.
        metadata: its footer, as pyarrow reads it.

    Raises:
        BrokenPage: a page lies outside the file, or its header can't be read.
    """
    return sum(
        unpacked
        for group in range(metadata.num_row_groups)
        if metadata.row_group(group).num_rows  # else no page is read, and there may be none
        for column in range(metadata.num_columns)
        for unpacked in _pages(body, metadata.row_group(group).column(column))
    )


def _pages(body: bytes, chunk: Any) -> Iterator[int]:
    """The bytes that each page of a column chunk unpacks to."""
    position = min(chunk.data_page_offset, chunk.dictionary_page_offset or chunk.data_page_offset)
    end = position + chunk.total_compressed_size
    if not 0 <= position <= end <= len(body):
        raise BrokenPage("a page lies outside of it")
    while position < end:
        header = _Header(body, position)
        if header.packed < 0 or header.unpacked < 0:
            raise BrokenPage("a page has less than no bytes")
        yield header.unpacked
        position = header.end + header.packed


class _Header:
    """The header of the page at a position: its sizes, and where it ends."""

    def __init__(self, body: bytes, position: int) -> None:
        self._body, self.end = body, position
        self.unpacked = self.packed = -1
        try:
            self._read_struct(self._note, 0)
        except IndexError:
            raise BrokenPage("the header of a page is cut") from None

    def _note(self, field: int, kind: int, depth: int) -> None:
        if field not in (_UNPACKED, _PACKED) or kind not in _WHOLE:
            self._skip(kind, depth)
            return
        number = self._varint()
        size = (number >> 1) ^ -(number & 1)
        if field == _UNPACKED:
            self.unpacked = size
        else:
            self.packed = size

    def _pass_over(self, field: int, kind: int, depth: int) -> None:
        self._skip(kind, depth)

    def _read_struct(self, member: Callable[[int, int, int], None], depth: int) -> None:
        if depth > _DEEPEST:
            raise BrokenPage("the header of a page is nested too deep")
        field = 0
        while (byte := self._byte()) != _STOP:
            step = byte >> 4
            if step:
                field += step
            else:
                number = self._varint()
                field = (number >> 1) ^ -(number & 1)
            member(field, byte & 15, depth + 1)

    def _skip(self, kind: int, depth: int) -> None:
        if kind in (_TRUE, _FALSE):
            return
        if kind == _BYTE:
            self.end += 1
        elif kind in _WHOLE:
            self._varint()
        elif kind == _DOUBLE:
            self.end += 8
        elif kind == _BINARY:
            length = self._varint()
            self.end += length
        elif kind == _STRUCT:
            self._read_struct(self._pass_over, depth)
        else:  # of lists, sets and maps the headers of pages have none
            raise BrokenPage("the header of a page holds what none holds")

    def _byte(self) -> int:
        byte = self._body[self.end]
        self.end += 1
        return byte

    def _varint(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
            shift += 7
            if shift > 63:
                raise BrokenPage("the header of a page holds a number without end")
