"""What the frontend sends and reads, written down by hand as multi-model-server frames it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Pair = tuple[bytes, bytes]
Part = tuple[bytes, bytes, bytes]
Request = tuple[bytes, Sequence[Pair], Sequence[Part]]


def number(value: int) -> bytes:
    return struct.pack("!i", value)


def text(value: bytes) -> bytes:
    return number(len(value)) + value


def load_message(
    model: bytes, path: bytes, handler: bytes, stream: bytes, batch: int = 1, gpu: int = -1
) -> bytes:
    head = b"L" + text(model) + text(path) + number(batch) + text(handler)
    return head + number(gpu) + text(stream)


def invoke_message(requests: Iterable[Request]) -> bytes:
    message = b"I"
    for request_id, headers, parts in requests:
        message += text(request_id)
        message += b"".join(text(name) + text(value) for name, value in headers) + number(-1)
        message += b"".join(b"".join(map(text, part)) for part in parts) + number(-1)
    return message + number(-1)


def one_row(body: bytes = b"1,2\n") -> bytes:
    """A plain invocation."""
    return invoke_message(
        [(b"id-1", [(b"Content-Type", b"text/csv")], [(b"body", b"text/csv", body)])]
    )


@dataclass(frozen=True)
class Reply:
    """The answer to one invocation, taken apart."""

    request_id: bytes
    content_type: bytes
    status: int
    reason: bytes
    headers: dict[bytes, bytes]
    body: bytes


def read_reply(receive: Callable[[int], bytes]) -> Reply:
    """Read the reply to one invocation.

    Args:
        receive: gives exactly as many bytes as it is asked for.
    """

    def integer() -> int:
        return int(struct.unpack("!i", receive(4))[0])

    def words() -> bytes:
        return receive(integer())

    assert integer() == 200
    assert set(words()) <= {0}  # a text that the frontend ignores
    request_id, content_type, status, reason = words(), words(), integer(), words()
    headers = {words(): words() for _ in range(integer())}
    reply = Reply(request_id, content_type, status, reason, headers, words())
    assert integer() == -1
    return reply
