"""Records that are lines (``SplitType: Line``), taken from a stream in blocks that can be sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from byo.transform.transform_errors import RecordTooLarge

NEWLINE = b"\n"


def line_blocks(stream: IO[bytes], limit: int, first: int = 1) -> Iterator[bytes]:
    r"""A stream as blocks of whole lines, as many in each as fit.

    A line ends with ``\n``, which is kept, and nothing else; the last may lack it. The blocks one
    after the other are the stream's bytes.

    Args:
        stream: whose ``read`` gives less than it is asked for at the end only.
        limit: bytes that a block may have.
        first: the number of the first line, for errors.

    Raises:
        RecordTooLarge: a line alone has more.
    """
    rest, number = b"", first
    while True:
        more = stream.read(limit + 1 - len(rest))
        rest += more
        if len(rest) <= limit:
            if rest:
                yield rest
            return
        end = rest.rfind(NEWLINE, 0, limit) + 1
        if not end:
            raise too_large(f"record {number}", limit)
        block, rest = rest[:end], rest[end:]
        number += block.count(NEWLINE)
        yield block


def lines_of(block: bytes) -> list[bytes]:
    """The lines of a block, without what ends them."""
    lines = block.split(NEWLINE)
    if not lines[-1]:
        lines.pop()
    if b"\r" in block:
        return [line.removesuffix(b"\r") for line in lines]
    return lines


def ended_lines(block: bytes) -> list[bytes]:
    """The lines of a block, each with what ends it."""
    lines = [line + NEWLINE for line in block.split(NEWLINE)]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def count_lines(block: bytes) -> int:
    """How many lines there are, an unended last one among them."""
    return block.count(NEWLINE) + (not block.endswith(NEWLINE) if block else 0)


def too_large(what: str, limit: int) -> RecordTooLarge:
    """The error of a record that no request can hold."""
    megabytes = limit // (1024 * 1024)
    return RecordTooLarge(
        f"{what} is larger than a request may be (MaxPayloadInMB={megabytes}): a larger "
        "--max-payload takes it, or --split-type takes the object apart"
    )
