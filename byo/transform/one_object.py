"""One object from its bytes to its `.out`: requests in order, some of them under way at once."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO

from byo.objects.folder_store import FolderStore
from byo.transform.assembling import assembled
from byo.transform.chunked_invocation import invoke_in_chunks
from byo.transform.input_objects import InputObject
from byo.transform.invoking import Invoker
from byo.transform.job_settings import JobSettings, Limits
from byo.transform.line_records import NEWLINE, count_lines
from byo.transform.mini_batches import MiniBatch, mini_batches
from byo.transform.outputs import OutputFile
from byo.transform.record_processing import RecordProcessing
from byo.transform.transform_errors import BrokenRecords

# Requests that are made at a time, as a thread makes them: so many small ones, or a large one.
AT_A_TIME = 64
LARGE_BYTES = 256 * 1024


@dataclass
class Work:
    """What all objects of a job share.

    Args:
        settings: the job's.
        limits: of its requests.
        processing: its filters and its join.
        invoker: sends them.
        slots: how many requests, or answers that wait to be written, are held at once.
        scratch: a folder for what comes from S3.
        advanced: called with each number of bytes of an object that were read.
        warn: called with what is doubtful, once for each kind.
    """

    settings: JobSettings
    limits: Limits
    processing: RecordProcessing | None
    invoker: Invoker
    slots: asyncio.Semaphore
    scratch: Path
    advanced: Callable[[int], None]
    warn: Callable[[str], None]
    warned: set[str] = field(default_factory=set)

    def warn_once(self, kind: str, text: str) -> None:
        if kind not in self.warned:
            self.warned.add(kind)
            self.warn(text)


async def transform(one: InputObject, output: OutputFile, work: Work) -> int:
    """Write what the container answers to an object; the number of its records.

    Raises:
        ObjectFailed: it can't be transformed.
        ObjectsFailed: it can't be read.
    """
    async with AsyncExitStack() as stack:
        file = await _local_file(one, work.scratch, stack)
        with _opened(file, packed=work.settings.gzip) as (stream, raw):
            if work.limits.max_payload == 0:
                await invoke_in_chunks(work.invoker, stream, output)
                work.advanced(raw.tell())
                return 1
            return await _Run(work, output, one.shown, raw).of(
                mini_batches(stream, work.settings, work.limits, work.processing)
            )


class _Run:
    """One object's requests, and their answers in order.

    What is held, of all objects together, is bounded by the job's slots. An object that has an
    answer to wait for never waits for a slot as well, so no two wait for each other.
    """

    def __init__(self, work: Work, output: OutputFile, shown: str, raw: IO[bytes]) -> None:
        self._work, self._output, self._shown, self._raw = work, output, shown, raw
        self._waiting: deque[tuple[MiniBatch, asyncio.Task[bytes]]] = deque()
        self._position = 0
        self._records = 0

    async def of(self, batches: Iterator[MiniBatch]) -> int:
        try:
            while made := await asyncio.to_thread(_some, batches):
                self._advance()
                for batch in made:
                    await self._begin(batch)
            while self._waiting:
                await self._end_first()
        finally:
            await self._give_up()
        self._advance()
        return self._records

    async def _begin(self, batch: MiniBatch) -> None:
        while self._waiting and (self._work.slots.locked() or self._waiting[0][1].done()):
            await self._end_first()
        await self._work.slots.acquire()
        task = asyncio.create_task(self._work.invoker.invoke(batch.payload))
        self._waiting.append((batch, task))

    async def _end_first(self) -> None:
        batch, task = self._waiting[0]
        answer = await task
        work = self._work
        content = assembled(batch, answer, work.processing, work.settings.assemble)
        _doubt(batch, answer, work, self._shown)
        self._output.write(content)
        self._records += batch.count
        self._waiting.popleft()
        work.slots.release()

    async def _give_up(self) -> None:
        """After a failure: nothing of it goes on."""
        tasks = [task for _, task in self._waiting]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in tasks:
            self._work.slots.release()
        self._waiting.clear()

    def _advance(self) -> None:
        position = self._raw.tell()
        self._work.advanced(position - self._position)
        self._position = position


def _some(batches: Iterator[MiniBatch]) -> list[MiniBatch]:
    """The next few requests; none at the end."""
    made: list[MiniBatch] = []
    for batch in islice(batches, AT_A_TIME):
        made.append(batch)
        if sum(len(one.payload) for one in made) > LARGE_BYTES:
            break
    return made


async def _local_file(one: InputObject, scratch: Path, stack: AsyncExitStack) -> Path:
    """The object as a file of this machine."""
    if isinstance(one.store, FolderStore):
        return one.store.path(one.info.key)
    file = scratch / f"in-{id(one):x}"
    stack.callback(file.unlink, missing_ok=True)
    await asyncio.to_thread(one.store.fetch, one.info.key, file)
    return file


@contextmanager
def _opened(file: Path, *, packed: bool) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The object's bytes, unpacked; and the file, which knows how far it is read."""
    with file.open("rb") as raw:
        if not packed:
            yield raw, raw
            return
        try:
            with gzip.GzipFile(fileobj=raw) as stream:
                yield stream, raw  # type: ignore[misc]
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise BrokenRecords(f"it is no whole gzip file (--compression gzip): {error}") from None


def _doubt(batch: MiniBatch, answer: bytes, work: Work, shown: str) -> None:
    """Say what SageMaker would not say of an answer: too many lines, or such that run together."""
    settings = work.settings
    if settings.split != "Line" or not _is_by_line(settings.accept):
        return
    lines = count_lines(answer)
    if lines != batch.count:
        work.warn_once(
            "lines",
            f"{shown}: {batch.count} records from {batch.first} on were answered with {lines} "
            "lines: the output has no line for each record",
        )
    if settings.assemble == "None" and not answer.endswith(NEWLINE):
        work.warn_once(
            "newline",
            f"{shown}: answers don't end with a newline, and without --assemble-with line one "
            "follows on the line of the other",
        )


def _is_by_line(accept: str | None) -> bool:
    return bool(accept) and str(accept).startswith(("text/csv", "application/jsonlines"))
