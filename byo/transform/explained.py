"""What a job would send, and what of it bites: for who reads before anything runs."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

from byo.content_types import CSV, JSON
from byo.objects.folder_store import FolderStore
from byo.transform.input_objects import InputObject
from byo.transform.invoking import INVOCATIONS, request_headers
from byo.transform.job_settings import JobSettings, Limits, kind_of
from byo.transform.line_records import lines_of
from byo.transform.mini_batches import MiniBatch, mini_batches
from byo.transform.record_processing import csv_fields, processing_of
from contract.signature import Signature

REQUESTS = 2
SHOWN_BYTES = 240
# Of an object, what is looked through for what may bite.
LOOKED_AT_BYTES = 4 * 1024 * 1024
BIG_BYTES = 256 * 1024 * 1024


def local_copy(one: InputObject, scratch: Path) -> Path:
    """An object as a file of this machine."""
    if isinstance(one.store, FolderStore):
        return one.store.path(one.info.key)
    file = scratch / "first-object"
    one.store.fetch(one.info.key, file)
    return file


def first_requests(file: Path, settings: JobSettings, limits: Limits) -> Iterator[str]:
    """The first requests of an object, as lines to print.

    Raises:
        ObjectFailed: they can't be made.
    """
    with _opened(file, settings) as stream:
        made = mini_batches(stream, settings, limits, processing_of(settings))
        if limits.max_payload == 0:
            yield f"POST {INVOCATIONS} (in chunks: the whole object)"
            yield from _headers(settings)
            yield from _body(stream.read(SHOWN_BYTES + 1))
            return
        for number, batch in enumerate(islice(made, REQUESTS), 1):
            yield f"request {number}: POST {INVOCATIONS}  ({_records(batch)})"
            yield from _headers(settings)
            yield f"  content-length: {len(batch.payload)}"
            yield from _body(batch.payload)


def warnings(
    objects: Sequence[InputObject],
    file: Path,
    settings: JobSettings,
    limits: Limits,
    signature: Signature | None,
) -> Iterator[str]:
    """What of a job may bite, a line each.

    Args:
        objects: all of the job.
        file: the first of them.
        settings, limits: the job's.
        signature: what the model takes, where that is known.
    """
    yield from _of_sizes(objects, settings, limits)
    yield from _of_answers(settings, limits)
    if settings.split != "Line":
        return
    with _opened(file, settings) as stream:
        looked_at = stream.read(LOOKED_AT_BYTES)
    lines = lines_of(looked_at)
    if len(looked_at) == LOOKED_AT_BYTES:
        lines.pop()  # it may be cut
    yield from _of_blank_lines(lines)
    if kind_of(settings.content_type) == CSV:
        yield from _of_header(lines, limits, signature)
        yield from _of_open_quotes(lines)


def _of_sizes(
    objects: Sequence[InputObject], settings: JobSettings, limits: Limits
) -> Iterator[str]:
    limit = limits.payload_bytes
    over = [one for one in objects if settings.split == "None" and one.info.size > limit > 0]
    if over and not settings.gzip:
        yield (
            f"{over[0].shown} has {over[0].info.size} bytes and is not split, so it is one request "
            f"over MaxPayloadInMB={limits.max_payload}: the object will fail; --split-type line "
            f"takes it apart ({len(over)} such)"
        )
    big = [one for one in objects if one.info.size > BIG_BYTES]
    if big and len(objects) < len(big) * 2:
        yield (
            f"{big[0].shown} is one object of {big[0].info.size} bytes: SageMaker spreads objects "
            "over instances, not their records, so one machine does all of it; several files, or "
            "--hosts here, share the work"
        )


def _of_answers(settings: JobSettings, limits: Limits) -> Iterator[str]:
    several = limits.strategy == "MultiRecord" and settings.split != "None"
    if settings.split != "None" and settings.assemble == "None":
        yield (
            "--assemble-with none: answers follow each other as they are, so the last line of one "
            "and the first of the next are one line where the container ends none"
        )
    if several and settings.join and kind_of(settings.accept) == JSON:
        yield (
            "--join input of several JSON records in one request needs an answer with a line for "
            "each: a container that answers with one JSON document needs --batch-strategy "
            "single-record, or application/jsonlines"
        )
    if settings.accept is None:
        yield "--accept is not set: the form of the output is the container's choice"


def _of_blank_lines(lines: Sequence[bytes]) -> Iterator[str]:
    blank = [number for number, line in enumerate(lines, 1) if not line.strip()]
    if blank:
        yield (
            f"line {blank[0]} is blank, and a record like any other: a container that passes it "
            f"over answers with fewer lines than there are records ({len(blank)} such)"
        )


def _of_header(
    lines: Sequence[bytes], limits: Limits, signature: Signature | None
) -> Iterator[str]:
    if not lines or not _looks_like_header(lines, signature):
        return
    header = lines[0].decode("utf-8", "replace")[:SHOWN_BYTES]
    which = (
        "a request of its own"
        if limits.strategy == "SingleRecord"
        else "in the first request and in no other"
    )
    columns = (
        f" The model's signature has the columns {','.join(signature.names)}."
        if signature and signature.names
        else ""
    )
    yield (
        f"the first line looks like a header ({header}). To SageMaker it is a record: {which}, so "
        f"the other requests have no names, and no answer may stand for it.{columns} Take the line "
        "out, with the columns in the order of the training data"
    )


def _looks_like_header(lines: Sequence[bytes], signature: Signature | None) -> bool:
    first = [_text(field) for field in csv_fields(lines[0].removeprefix(b"\xef\xbb\xbf"))]
    if signature and signature.names:
        return bool(set(first) & set(signature.names))
    second = [_text(field) for field in csv_fields(lines[1])] if len(lines) > 1 else []
    return not any(map(_is_number, first)) and any(map(_is_number, second))


def _of_open_quotes(lines: Sequence[bytes]) -> Iterator[str]:
    odd = [number for number, line in enumerate(lines, 1) if line.count(b'"') % 2]
    if odd:
        yield (
            f'line {odd[0]} has an odd number of ": a cell with a newline inside. SplitType Line '
            f"knows no quotes and cuts it in two records; write such cells otherwise ({len(odd)} "
            "such lines)"
        )


def _opened(file: Path, settings: JobSettings) -> IO[bytes]:
    return gzip.open(file) if settings.gzip else file.open("rb")  # type: ignore[return-value]


def _headers(settings: JobSettings) -> Iterator[str]:
    for name, value in request_headers(settings):
        yield f"  {name.decode()}: {value.decode()}"


def _body(payload: bytes) -> Iterator[str]:
    shown = payload[:SHOWN_BYTES].decode("utf-8", "backslashreplace")
    yield ""
    for line in shown.splitlines():
        yield f"  {line}"
    if len(payload) > SHOWN_BYTES:
        yield f"  … ({len(payload)} bytes)"
    yield ""


def _records(batch: MiniBatch) -> str:
    last = batch.first + batch.count - 1
    return f"record {batch.first}" if batch.count == 1 else f"records {batch.first} to {last}"


def _text(field: bytes) -> str:
    return field.decode("utf-8", "replace").strip().strip('"')


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
