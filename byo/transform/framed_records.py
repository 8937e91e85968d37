"""Records in binary frames: ``SplitType`` RecordIO and TFRecord.

A frame has the record's length and more before its data. RecordIO: a magic number and a word, both
little-endian, whose upper three bits say which part of a record it is and the lower 29 how many
bytes follow, filled up to a multiple of four. TFRecord: a length of eight bytes, its checksum, the
data, its checksum; each a masked CRC-32C.
https://mxnet.apache.org/versions/1.9.1/api/faq/recordio
https://www.tensorflow.org/tutorials/load_data/tfrecord
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

from byo.transform.crc32c import masked_crc32c
from byo.transform.line_records import too_large
from byo.transform.transform_errors import BrokenRecords

RECORDIO_MAGIC = 0xCED7230A
LENGTH_BITS = 29
WHOLE, BEGIN, MIDDLE, END = range(4)


@dataclass(frozen=True, slots=True)
class FramedRecord:
    """A record.

    Args:
        frame: all of its bytes in the object.
        data: what is in the frame.
    """

    frame: bytes
    data: bytes


Frames = Callable[[IO[bytes], int], Iterator[FramedRecord]]


def recordio_records(stream: IO[bytes], limit: int) -> Iterator[FramedRecord]:
    """The records of a RecordIO stream, also those that are in several parts.

    Args:
        stream: whose ``read`` gives less than it is asked for at the end only.
        limit: bytes that a record's frame may have.

    Raises:
        BrokenRecords: it is no RecordIO, or is cut short; names the record.
        RecordTooLarge: a record has more bytes.
    """
    number = 0
    while head := stream.read(8):
        number += 1
        frame = bytearray()
        parts: list[bytes] = []
        while True:
            kind, length = _recordio_head(head, number, inside=bool(parts))
            if len(frame) + 8 + length > limit:
                raise too_large(f"record {number}", limit)
            padded = length + -length % 4
            body = _exactly(stream, padded, number)
            frame += head + body
            parts.append(body[:length])
            if kind in (WHOLE, END):
                break
            head = stream.read(8)
        # The magic number that the writer has left out stands between parts.
        data = struct.pack("<I", RECORDIO_MAGIC).join(parts)
        yield FramedRecord(bytes(frame), data)


def _recordio_head(head: bytes, number: int, *, inside: bool) -> tuple[int, int]:
    if len(head) < 8:
        raise BrokenRecords(f"record {number} is cut short")
    magic, word = struct.unpack("<II", head)
    if magic != RECORDIO_MAGIC:
        raise BrokenRecords(f"record {number} does not start with RecordIO's magic number")
    kind, length = word >> LENGTH_BITS, word & ((1 << LENGTH_BITS) - 1)
    if kind not in ((MIDDLE, END) if inside else (WHOLE, BEGIN)):
        raise BrokenRecords(f"record {number} has its parts in no order (part {kind})")
    return kind, length


def tfrecord_records(stream: IO[bytes], limit: int) -> Iterator[FramedRecord]:
    """The records of a TFRecord stream, their checksums checked.

    Args:
        stream: whose ``read`` gives less than it is asked for at the end only.
        limit: bytes that a record's frame may have.

    Raises:
        BrokenRecords: a checksum is wrong, or it is cut short; names the record.
        RecordTooLarge: a record has more bytes.
    """
    number = 0
    while head := stream.read(12):
        number += 1
        if len(head) < 12:
            raise BrokenRecords(f"record {number} is cut short")
        length, checksum = struct.unpack("<QI", head)
        if masked_crc32c(head[:8]) != checksum:
            raise BrokenRecords(f"record {number}: the checksum of its length is wrong")
        if length + 16 > limit:
            raise too_large(f"record {number}", limit)
        body = _exactly(stream, length + 4, number)
        data = body[:length]
        if masked_crc32c(data) != int.from_bytes(body[length:], "little"):
            raise BrokenRecords(f"record {number}: the checksum of its data is wrong")
        yield FramedRecord(head + body, data)


def _exactly(stream: IO[bytes], size: int, number: int) -> bytes:
    body = stream.read(size)
    if len(body) < size:
        raise BrokenRecords(f"record {number} is cut short")
    return body
