"""CRC-32C, the checksum in TFRecord files (RFC 3720, appendix B.4), and their mask of it.

The standard library has another polynomial. A checksum byte by byte is slow in Python, so long data
is cut into lanes of equal length, whose checksums numpy works out side by side and which are then
combined: to append n zero bytes multiplies a checksum by a matrix over two elements.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

POLYNOMIAL = 0x82F63B78
MASK_DELTA = 0xA282EAD8
ONES = 0xFFFFFFFF
# From here on lanes are worth their price.
LONG_BYTES = 4096
LANES = 256

Words = np.ndarray[Any, np.dtype[np.uint32]]


def masked_crc32c(data: bytes) -> int:
    """A checksum as TFRecord files hold it: turned by 15 bits, and moved by a constant."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17 & ONES) + MASK_DELTA) & ONES


def crc32c(data: bytes) -> int:
    """The CRC-32C of bytes."""
    crc = ONES
    if len(data) >= LONG_BYTES:
        width = len(data) // LANES
        head, data = data[: width * LANES], data[width * LANES :]
        crc = _of_lanes(head, width, crc)
    table = _table()
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ ONES


def _of_lanes(data: bytes, width: int, crc: int) -> int:
    lanes = np.frombuffer(data, np.uint8).reshape(LANES, width)
    table = np.array(_table(), np.uint32)
    state = np.zeros(LANES, np.uint32)
    for column in np.ascontiguousarray(lanes.T):
        state = table[(state ^ column) & 0xFF] ^ state >> np.uint32(8)
    shift = _appending(width)
    for lane in state.tolist():
        crc = _times(shift, crc) ^ lane
    return crc


def _appending(count: int) -> list[int]:
    """The matrix, as its columns, of `count` zero bytes more."""
    table = _table()
    power = [table[bit & 0xFF] ^ bit >> 8 for bit in (1 << n for n in range(32))]
    result = [1 << n for n in range(32)]
    while count:
        if count & 1:
            result = [_times(power, column) for column in result]
        power = [_times(power, column) for column in power]
        count >>= 1
    return result


def _times(matrix: list[int], vector: int) -> int:
    product = 0
    for column in matrix:
        if vector & 1:
            product ^= column
        vector >>= 1
    return product


@cache
def _table() -> tuple[int, ...]:
    """What a byte adds to a checksum, for each byte."""
    rows = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
        rows.append(crc)
    return tuple(rows)
