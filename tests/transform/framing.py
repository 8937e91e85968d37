"""Writers of RecordIO and TFRecord as their formats say, independent of what reads them here."""

from __future__ import annotations

import struct

MAGIC = struct.pack("<I", 0xCED7230A)


def recordio(data: bytes) -> bytes:
    """A record; data that holds the magic number at a multiple of four is written in parts."""
    pieces, start = [], 0
    for position in range(0, len(data) - 3, 4):
        if data[position : position + 4] == MAGIC and position >= start:
            pieces.append(data[start:position])
            start = position + 4
    pieces.append(data[start:])
    kinds = [0] if len(pieces) == 1 else [1, *[2] * (len(pieces) - 2), 3]
    return b"".join(
        MAGIC + struct.pack("<I", kind << 29 | len(piece)) + piece + bytes(-len(piece) % 4)
        for kind, piece in zip(kinds, pieces, strict=True)
    )


def tfrecord(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + checksum(length) + data + checksum(data)


def checksum(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F63B78 * (crc & 1)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
