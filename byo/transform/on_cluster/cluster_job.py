"""A job on a cluster, as its leader sees it: parts out, outputs noted, failures told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from byo.command_errors import EndpointFailed
from byo.objects import ObjectsFailed
from byo.transform.batch_job import MESSAGE_CHARACTERS, JobOutcome, Say
from byo.transform.explained import local_copy
from byo.transform.finished_outputs import FinishedOutputs
from byo.transform.input_objects import SUFFIX, InputObject
from byo.transform.job_settings import JobSettings, Limits
from byo.transform.on_cluster.row_ranges import row_ranges
from byo.transform.on_cluster.score_part import Part, PartDone, score_part
from byo.transform.transform_errors import InvocationFailed, ObjectFailed

# As long as SageMaker would let one request take: for so long, no part may come to its end.
PART_SECONDS = 3600.0
NAMED_PARTS = 3


def parts_of(one: InputObject, settings: JobSettings, rows: int, scratch: Path) -> Iterator[Part]:
    """The parts of an object: ranges of lines, or the whole of what can't be taken apart so.

    Args:
        one: the object.
        settings: the job's.
        rows: of each part.
        scratch: a folder for a copy of what lies in S3.

    Raises:
        ObjectsFailed: the object can't be read.
    """
    name = f"{one.name}.part-%05d{SUFFIX}"
    if settings.split != "Line" or settings.gzip:
        yield Part(one.address, one.info.etag, 0, None, 1, name % 0)
        return
    with local_copy(one, scratch).open("rb") as stream:
        for number, found in enumerate(row_ranges(stream, rows)):
            yield Part(
                one.address, one.info.etag, found.start, found.stop, found.first, name % number
            )


def source_of_part(part: Part) -> dict[str, object]:
    """What the output of a part is made of, for the record."""
    return {
        "address": part.address,
        "etag": part.etag,
        "bytes": [part.start, part.stop],
        "first_record": part.first,
    }


def parts_to_do(parts: Sequence[Part], finished: FinishedOutputs, say: Say) -> list[Part]:
    """The parts whose outputs are not there, or not of this job."""
    left = []
    for part in parts:
        why = finished.why(part.output, source_of_part(part))
        if why is not None:
            left.append(part)
            if finished.knows(part.output):
                say(f"{part.output}: again, as {why}")
    return left


@contextmanager
def loaded_on_workers(
    client: Any, digest: str, packed: bytes, environ: Mapping[str, str]
) -> Iterator[None]:
    """Have each worker load the model, those that come later as well; forgotten at the end.

    Raises:
        EndpointFailed: one can't; with what it said.
    """
    from byo.transform.on_cluster.worker_model import ModelOnWorkers, plugin_name

    try:
        client.register_plugin(ModelOnWorkers(digest, packed, environ))
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise EndpointFailed(
            f"a worker can't load the model ({said}): each needs the same byo, with the extras "
            "serve, local and distributed, and what the model itself needs"
        ) from None
    try:
        yield
    finally:
        with suppress(Exception):  # of workers that have gone, or whose scheduler has
            client.unregister_worker_plugin(plugin_name(digest))


def run_parts(
    client: Any,
    parts: Sequence[Part],
    finished: FinishedOutputs,
    settings: JobSettings,
    limits: Limits,
    *,
    digest: str,
    place: str,
    say: Say,
    advanced: Callable[[int], None],
) -> JobOutcome:
    """Score parts on the workers, which have the model, and note each output as it is there.

    A part whose worker dies is given to another one; what is done stays done.

    Args:
        client: of the cluster.
        parts: what to do.
        finished: the record of what is done.
        settings, limits: the job's.
        digest: of the model.
        place: where outputs go.
        say: takes the lines of the log.
        advanced: takes the bytes that parts were, as they are done.

    Raises:
        EndpointFailed: for an hour, none has come to its end; or the scheduler has gone.
    """
    outcome = JobOutcome()
    ended: SimpleQueue[Any] = SimpleQueue()
    futures = {
        client.submit(score_part, part, digest, settings, limits, place, pure=False): part
        for part in parts
    }
    for future in futures:
        future.add_done_callback(ended.put)
    try:
        while futures:
            future = ended.get(timeout=PART_SECONDS)
            if future.cancelled():  # by Dask: there is nobody left who would do it
                raise EndpointFailed(
                    f"the connection to the scheduler is lost: {_named(list(futures.values()))} of "
                    f"{len(parts)} are left; the same command goes on from what is done"
                )
            part = futures.pop(future)
            error = future.exception()
            if error is None:
                _note(part, future.result(), finished, outcome)
            else:
                _fail(part, error, outcome, say)
            advanced((part.stop or 0) - part.start)
            future.release()  # what is wanted still would be done again if its worker died
    except Empty:
        raise EndpointFailed(
            f"no part was done for {PART_SECONDS:g} s: {_named(list(futures.values()))} of "
            f"{len(parts)} are left; the same command goes on from what is done"
        ) from None
    finally:
        client.cancel(list(futures))
        finished.close()
    return outcome


def _named(parts: Sequence[Part]) -> str:
    names = ", ".join(part.output for part in parts[:NAMED_PARTS])
    more = len(parts) - NAMED_PARTS
    return f"{names} and {more} more" if more > 0 else names


def _note(part: Part, done: PartDone, finished: FinishedOutputs, outcome: JobOutcome) -> None:
    finished.note(part.output, source_of_part(part), done.size, done.sha256, records=done.records)
    outcome.done += 1
    outcome.records += done.records


def _fail(part: Part, error: Exception, outcome: JobOutcome, say: Say) -> None:
    if isinstance(error, InvocationFailed):
        body = error.body.decode("utf-8", "replace")[:MESSAGE_CHARACTERS]
        say(f"{part.output}: {error.cause}\n\nMessage:\n{body}")
        why = error.cause
    else:
        why = error.cause if isinstance(error, ObjectFailed | ObjectsFailed) else _told(error)
        say(f"{part.output}: {why}")
    outcome.failed.append(f"{part.output}: {why}")


def _told(error: Exception) -> str:
    """An error of Dask's own, or of the model's code, in one line."""
    if type(error).__name__ == "KilledWorker":
        return "each worker that had it died: probably out of memory"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
