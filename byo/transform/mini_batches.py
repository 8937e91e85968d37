"""An object's bytes as requests: `SplitType`, `BatchStrategy` and `MaxPayloadInMB` together.

Nothing is held but the request at hand, whatever the object's size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from byo.transform.framed_records import (
    FramedRecord,
    Frames,
    recordio_records,
    tfrecord_records,
)
from byo.transform.job_settings import JobSettings, Limits
from byo.transform.line_records import (
    NEWLINE,
    count_lines,
    ended_lines,
    line_blocks,
    lines_of,
    too_large,
)
from byo.transform.record_processing import RecordProcessing

FRAMES: dict[str, Frames] = {"RecordIO": recordio_records, "TFRecord": tfrecord_records}


@dataclass(frozen=True, slots=True)
class MiniBatch:
    """The records of one request.

    Args:
        payload: what is sent.
        count: how many records it holds.
        first: the number of the first in its object, from 1 on.
        records: the records as they are in the object, where a join needs them again.
    """

    payload: bytes
    count: int
    first: int
    records: tuple[bytes, ...] = ()


def mini_batches(
    stream: IO[bytes],
    settings: JobSettings,
    limits: Limits,
    processing: RecordProcessing | None,
    first: int = 1,
) -> Iterator[MiniBatch]:
    """The requests that an object is sent by, in order. An object without a byte has none.

    Args:
        stream: the object, unpacked.
        settings: how it is split.
        limits: how large a request may be, and how many records it may have.
        processing: the filters and the join; None where there are none.
        first: the number of the first record, where the stream is a part of lines.

    Raises:
        RecordTooLarge, BrokenRecords, NotJoinable: a record can't be sent.
    """
    if settings.split == "None":
        yield from _whole(stream, limits.payload_bytes, processing)
    elif settings.split == "Line":
        yield from _lines(stream, limits, processing, first)
    else:
        yield from _framed(FRAMES[settings.split](stream, limits.payload_bytes), limits)


def _whole(
    stream: IO[bytes], limit: int, processing: RecordProcessing | None
) -> Iterator[MiniBatch]:
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise too_large("the object", limit)
    if body:
        yield _processed([body], 1, processing) if processing else MiniBatch(body, 1, 1)


def _lines(
    stream: IO[bytes], limits: Limits, processing: RecordProcessing | None, first: int
) -> Iterator[MiniBatch]:
    limit = limits.payload_bytes
    for block in line_blocks(stream, limit, first):
        count = count_lines(block)
        if limits.strategy == "SingleRecord":
            yield from _single_lines(block, first, processing)
        elif processing is None:
            yield MiniBatch(block, count, first)
        else:
            yield from _within(_processed(lines_of(block), first, processing), limit)
        first += count


def _single_lines(
    block: bytes, first: int, processing: RecordProcessing | None
) -> Iterator[MiniBatch]:
    if processing:
        for number, line in enumerate(lines_of(block), first):
            yield _processed([line], number, processing)
    else:
        for number, line in enumerate(ended_lines(block), first):
            yield MiniBatch(line, 1, number)


def _processed(records: list[bytes], first: int, processing: RecordProcessing) -> MiniBatch:
    sent = [processing.filtered(record, first + n) for n, record in enumerate(records)]
    payload = NEWLINE.join(sent) + (NEWLINE if processing.by_line else b"")
    kept = tuple(records) if processing.joins else ()
    return MiniBatch(payload, len(records), first, kept)


def _within(batch: MiniBatch, limit: int) -> Iterator[MiniBatch]:
    """A batch as it is, or taken apart where its filtered records are longer than they were."""
    if len(batch.payload) <= limit:
        yield batch
        return
    if batch.count == 1:
        raise too_large(f"record {batch.first} as it is sent", limit)
    sent = lines_of(batch.payload)
    half = batch.count // 2
    for start, stop in ((0, half), (half, batch.count)):
        payload = NEWLINE.join(sent[start:stop]) + NEWLINE
        part = MiniBatch(payload, stop - start, batch.first + start, batch.records[start:stop])
        yield from _within(part, limit)


def _framed(records: Iterator[FramedRecord], limits: Limits) -> Iterator[MiniBatch]:
    """Records alone lose their frame, as SageMaker has it; several keep theirs."""
    if limits.strategy == "SingleRecord":
        for number, record in enumerate(records, 1):
            yield MiniBatch(record.data, 1, number)
        return
    parts: list[bytes] = []
    size, first = 0, 1
    for record in records:
        if parts and size + len(record.frame) > limits.payload_bytes:
            yield MiniBatch(b"".join(parts), len(parts), first)
            first += len(parts)
            parts, size = [], 0
        parts.append(record.frame)
        size += len(record.frame)
    if parts:
        yield MiniBatch(b"".join(parts), len(parts), first)
