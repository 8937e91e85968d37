"""The messages between the frontend and a worker, as multi-model-server 1.1.11 frames them.

All integers are big-endian and signed, of 32 bits; texts and bodies are preceded by their
length; a list ends with the length -1. The frontend sends one message on a connection and
then waits for the reply to it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from handler.invocation.request_types import headers_of

LOAD = ord("L")
INVOKE = ord("I")
END = -1

Bytes = bytes | bytearray

_INT = struct.Struct("!i")
_END_BYTES = _INT.pack(END)
_OK = _INT.pack(200)
# What the frontend decodes after each of its reads may end anywhere. Its decoder then waits for
# more, but not within a status or the headers: there it gives the connection up. Where its reads
# end is known, though: they begin with 64 to 65,536 bytes and grow by fixed steps until a
# message is through (Netty's AdaptiveRecvByteBufAllocator), and whatever the first is, none ends
# within these stretches. A message's own text, which it ignores, moves the rest into one.
_UNBROKEN = ((10_496, 16_384), (19_312, 32_768))
# A header by which the guard says when an invocation has come, on the clock that all processes
# share: nanoseconds, in as many hexadecimal digits each time. It is no header of the request's.
ARRIVED = b"x-byo-arrived"
_NANOSECOND = 1e-9
# No answer is shorter than 65 bytes, and so no read after the first answers than 80.
_SHORTEST_READ = 80
# What a reply gives for each invocation after its content type: a status, and then two lengths.
_STATUS = struct.Struct("!ii")


class WireError(Exception):
    """The bytes are no message of the frontend."""


class Incomplete(Exception):
    """A message is not all there yet.

    Args:
        needed: how many bytes there must be at least before reading goes further.
    """

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


@dataclass(frozen=True, slots=True)
class Load:
    """The frontend asks to load a model, on each connection once.

    Args:
        stream: the name that the frontend gives to two files for this connection's output.
    """

    model: str
    path: str
    stream: str


class Headers(dict[str, str]):
    """The headers of a request, as they were sent."""

    @cached_property
    def by_name(self) -> dict[str, str]:
        """The same, by lower-case name."""
        return headers_of(self)


@dataclass(slots=True)  # not frozen: one is made for each invocation, in a third of the time
class Invoke:
    """One invocation; the frontend puts one into a message as SageMaker registers models.

    Args:
        arrived_at: when it had come, by `time.monotonic`; 0 where the guard does not say.
    """

    request_id: str
    headers: Headers
    parts: Mapping[str, bytes]
    arrived_at: float = 0.0


@dataclass(slots=True)
class _Progress:
    """How far a message of invocations has been read: `at` is where the next part begins.

    Reading goes on from there when more bytes have come. A form may have very many parts.
    """

    at: int = 1
    invocations: list[Invoke] = field(default_factory=list)
    head: tuple[str, Headers, float] | None = None
    parts: dict[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class Reader:
    """Reads messages from the bytes of one connection.

    A client's headers are the same from one request to the next, so the last headers are kept
    as bytes, those before and those after the time of arrival, and as what they mean.
    """

    _before: bytes = b""
    _after: bytes = b""
    _digits: int = 0
    _headers: Headers = field(default_factory=Headers)
    _progress: _Progress = field(default_factory=_Progress)

    def read(self, data: Bytes) -> Load | list[Invoke]:
        """The one message that the bytes are.

        Raises:
            Incomplete: bytes are still to come; the same bytes and they are to be given then.
            WireError: the bytes are no message.
        """
        kind = data[0]
        message: Load | list[Invoke]
        try:
            if kind == INVOKE:
                message, end = self._invocations(data)
            elif kind == LOAD:
                message, end = _load(data)
            else:
                raise WireError(f"unknown command {kind}")
        except UnicodeDecodeError as error:
            raise WireError(f"a text that is none: {error}") from None
        if end != len(data):
            raise WireError(f"{len(data) - end} bytes after the end of a message")
        return message

    def _invocations(self, data: Bytes) -> tuple[list[Invoke], int]:
        one = self._progress
        while one.head or (length := _int(data, one.at)) != END:
            if one.head is None:
                request_id, at = _bytes(data, one.at + 4, length)
                headers, arrived_at, one.at = self._headers_at(data, at)
                one.head = request_id.decode(), headers, arrived_at
            _read_parts(data, one)
            request_id_text, headers, arrived_at = one.head
            one.invocations.append(Invoke(request_id_text, headers, one.parts, arrived_at))
            one.head, one.parts = None, {}
        self._progress = _Progress()
        return one.invocations, one.at + 4

    def _headers_at(self, data: Bytes, at: int) -> tuple[Headers, float, int]:
        """The headers, the time of arrival among them, and where they end."""
        if self._after and data.startswith(self._before, at):
            time_at = at + len(self._before)
            end = time_at + self._digits
            if data.startswith(self._after, end):
                arrived_at = time_of(data[time_at:end]) if self._digits else 0.0
                return self._headers, arrived_at, end + len(self._after)
        return self._new_headers_at(data, at)

    def _new_headers_at(self, data: Bytes, at: int) -> tuple[Headers, float, int]:
        start, headers, digits, time_ends = at, Headers(), b"", at
        while (length := _int(data, at)) != END:
            name, at = _bytes(data, at + 4, length)
            value, at = _bytes(data, at + 4, _int(data, at))
            if name == ARRIVED:
                digits, time_ends = value, at
            else:
                headers[name.decode()] = value.decode("utf-8", "replace")
        at += 4
        self._before = bytes(data[start : time_ends - len(digits)])
        self._after = bytes(data[time_ends:at])
        self._digits = len(digits)
        self._headers = headers
        return headers, time_of(digits), at


def load_reply(status: int, message: str, pid: int) -> bytes:
    """The answer to a Load: its status becomes that of the model's registration.

    Args:
        pid: the process that holds the model; the frontend reads it off the message's end.
    """
    text = f"{message} [PID]:{pid}".encode()
    return _INT.pack(status) + _INT.pack(len(text)) + text + _END_BYTES


def invoke_reply(
    request_id: str,
    body: bytes,
    content_type: str,
    status: int,
    reason: str,
    headers: Mapping[str, str],
) -> list[bytes]:
    """The answer to one invocation, in pieces, so that a large body is never copied."""
    identity, media, phrase = request_id.encode(), content_type.encode(), reason.encode()
    head = [
        _INT.pack(len(identity)),
        identity,
        _INT.pack(len(media)),
        media,
        _STATUS.pack(status, len(phrase)),
        phrase,
        _INT.pack(len(headers)),
    ]
    for name, value in headers.items():
        for text in (name.encode(), value.encode()):
            head += (_INT.pack(len(text)), text)
    head.append(_INT.pack(len(body)))
    status_ends = 20 + len(identity) + len(media)
    padding = _padding(head) if headers or status_ends > _SHORTEST_READ else b""
    return [b"".join((_OK, _INT.pack(len(padding)), padding, *head)), body, _END_BYTES]


def _padding(head: list[bytes]) -> bytes:
    """What has to come first, so that no read of the frontend's ends within the head."""
    length = sum(map(len, head))
    begins = (begin for begin, end in _UNBROKEN if begin + 8 + length <= end)
    return bytes(next(begins, 0))


def _load(data: Bytes) -> tuple[Load, int]:
    model, at = _text(data, 1)
    path, at = _text(data, at)
    _handler, at = _text(data, at + 4)  # after the batch size, which is always 1
    stream, at = _text(data, at + 4)  # after the number of the GPU
    return Load(model, path, stream), at


def _read_parts(data: Bytes, progress: _Progress) -> None:
    while (length := _int(data, progress.at)) != END:
        name, at = _bytes(data, progress.at + 4, length)
        _content_type, at = _bytes(data, at + 4, _int(data, at))
        # Two ends of lists follow: with them, a large body is taken out of the buffer once.
        value, progress.at = _bytes(data, at + 4, _int(data, at), tail=8)
        progress.parts[name.decode()] = value
    progress.at += 4


def time_of(digits: Bytes) -> float:
    """The seconds of a time of arrival; 0 where there is none."""
    try:
        return int(digits, 16) * _NANOSECOND if digits else 0.0
    except ValueError:  # the guard does not count, and a client has sent such a header
        return 0.0


def _text(data: Bytes, at: int) -> tuple[str, int]:
    value, end = _bytes(data, at + 4, _int(data, at))
    return value.decode(), end


def _int(data: Bytes, at: int) -> int:
    if at + 4 > len(data):
        raise Incomplete(at + 4)
    value: int = _INT.unpack_from(data, at)[0]
    return value


def _bytes(data: Bytes, at: int, length: int, tail: int = 0) -> tuple[bytes, int]:
    if length < 0:
        raise WireError(f"a length of {length}")
    end = at + length
    if end + tail > len(data):
        raise Incomplete(end + tail)
    if isinstance(data, bytes):
        return data[at:end], end
    with memoryview(data) as view:
        return bytes(view[at:end]), end
