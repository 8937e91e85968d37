"""AWS's event stream: messages of headers and a payload, each with its checksums.

A message is its whole length and that of its headers (4 bytes each, big-endian), a CRC-32 of
these, the headers, the payload, and a CRC-32 of all before. A header here is a text: the length of
its name (1 byte), the name, the type 7, the length of the text (2 bytes), the text.
"""

from __future__ import annotations

import json
import struct
from binascii import crc32
from collections.abc import Mapping

CONTENT_TYPE = b"application/vnd.amazon.eventstream"
_TEXT = 7
# Beyond the headers and the payload.
_FRAME = 16


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message.

    Args:
        headers: texts by their names.
        payload: any bytes.
    """
    block = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", _TEXT, len(text))
        + text.encode()
        for name, text in headers.items()
    )  # fmt: skip
    lengths = struct.pack("!II", _FRAME + len(block) + len(payload), len(block))
    prelude = lengths + struct.pack("!I", crc32(lengths))
    checksum = crc32(payload, crc32(prelude + block))
    return b"".join((prelude, block, payload, struct.pack("!I", checksum)))


_PART = {
    ":event-type": "PayloadPart",
    ":content-type": "application/octet-stream",
    ":message-type": "event",
}


def payload_part(chunk: bytes) -> bytes:
    """A ``PayloadPart``: bytes of the container's answer."""
    return message(_PART, chunk)


def exception(kind: str, members: Mapping[str, str]) -> bytes:
    """An error that comes after the answer has begun.

    Args:
        kind: ``ModelStreamError`` or ``InternalStreamFailure``.
        members: of that error.
    """
    headers = {
        ":exception-type": kind,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return message(headers, json.dumps(members).encode())
