"""What a worker does with one part: the same splitting, filters and assembling, without HTTP."""

from __future__ import annotations

import gzip
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from byo.objects import store_of
from byo.objects.folder_store import FolderStore
from byo.transform.assembling import assembled
from byo.transform.job_settings import JobSettings, Limits
from byo.transform.mini_batches import MiniBatch, mini_batches
from byo.transform.on_cluster.row_ranges import RangeReader
from byo.transform.outputs import OutputFile, Outputs
from byo.transform.record_processing import processing_of
from byo.transform.transform_errors import InvocationFailed
from handler.invocation.request_types import Request

_fetching = threading.Lock()


@dataclass(frozen=True)
class Part:
    """A part of an object, or a whole one.

    Args:
        address: of the object, which each worker must be able to read.
        etag: what the object was when the job began.
        start, stop: its bytes; 0 and None for a whole object.
        first: the number of its first record.
        output: the name of its output.
    """

    address: str
    etag: str
    start: int
    stop: int | None
    first: int
    output: str


@dataclass(frozen=True)
class PartDone:
    """What became of a part: of its output the size and the SHA-256; and who made it."""

    size: int
    sha256: str
    records: int
    process: int


def score_part(
    part: Part, digest: str, settings: JobSettings, limits: Limits, place: str
) -> PartDone:
    """Score a part and write its output whole.

    Args:
        part: which.
        digest: of the model, which this worker has loaded.
        settings, limits: the job's.
        place: where outputs go.

    Raises:
        ObjectFailed: the model does not answer for a record, or what it answers can't be used.
        ObjectsFailed: the object can't be read, or the output not be written.
    """
    from distributed import get_worker

    scratch = Path(get_worker().local_directory)
    outputs = Outputs(place, scratch)
    output = outputs.create(part.output)
    try:
        with _stream(part, settings, scratch) as stream:
            records = _score(stream, part, digest, settings, limits, output)
        output.finish()
    except BaseException:
        output.discard()
        raise
    return PartDone(output.size, output.sha256, records, os.getpid())


def _score(
    stream: Any,
    part: Part,
    digest: str,
    settings: JobSettings,
    limits: Limits,
    output: OutputFile,
) -> int:
    processing, records = processing_of(settings), 0
    for batch in mini_batches(stream, settings, limits, processing, part.first):
        answer = _ask(digest, batch, part, settings)
        output.write(assembled(batch, answer, processing, settings.assemble))
        records += batch.count
    return records


def _ask(digest: str, batch: MiniBatch, part: Part, settings: JobSettings) -> bytes:
    from byo.transform.on_cluster.worker_model import LOADED

    request = Request(
        batch.payload,
        settings.content_type,
        settings.accept,
        request_id=f"{part.output}:{batch.first}",
    )
    response = LOADED[digest].invoke(request)
    if response.status != 200:
        last = batch.first + batch.count - 1
        raise InvocationFailed(
            f"records {batch.first} to {last}: the model answered with {response.status}",
            response.body,
        )
    return response.body


@contextmanager
def _stream(part: Part, settings: JobSettings, scratch: Path) -> Iterator[IO[bytes] | RangeReader]:
    file = _local_file(part, scratch)
    if settings.gzip:
        with gzip.open(file) as unpacked:
            yield unpacked  # type: ignore[misc]
        return
    with file.open("rb") as raw:
        yield raw if part.stop is None else RangeReader(raw, part.start, part.stop)


def _local_file(part: Part, scratch: Path) -> Path:
    """The object as a file of this machine: fetched once by a worker, whatever its parts."""
    store, key = store_of(part.address)
    if isinstance(store, FolderStore):
        return store.path(key)
    name = hashlib.sha256(f"{part.address}\0{part.etag}".encode()).hexdigest()
    file = scratch / f"in-{name}"
    with _fetching:
        if not file.exists():
            store.fetch(key, file)
    return file
