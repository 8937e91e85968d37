"""A transform job: all objects through one container, each by itself, failures among them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from byo.command_errors import EndpointFailed
from byo.objects import ObjectsFailed
from byo.served_container import ServedContainer
from byo.transform.finished_outputs import FinishedOutputs
from byo.transform.input_objects import InputObject
from byo.transform.invoking import Invoker, execution_parameters
from byo.transform.job_settings import JobSettings, limits_of
from byo.transform.one_object import Work, transform
from byo.transform.outputs import Outputs
from byo.transform.record_processing import processing_of
from byo.transform.transform_errors import InvocationFailed, ObjectFailed

# Of the body of a failed request, in the log.
MESSAGE_CHARACTERS = 2000

Say = Callable[[str], None]


@dataclass
class JobOutcome:
    """How a job went.

    Args:
        done: how many objects were transformed.
        records: how many records the transformed ones had.
        failed: what failed, as the log has it.
    """

    done: int = 0
    records: int = 0
    failed: list[str] = field(default_factory=list)


def still_to_do(
    objects: Sequence[InputObject], finished: FinishedOutputs, say: Say
) -> list[InputObject]:
    """The objects whose outputs are not there, or not of this job.

    Args:
        objects: all of the job.
        finished: what is done already.
        say: is told why one is done again.
    """
    left = []
    for one in objects:
        why = finished.why(one.output, source_of(one))
        if why is not None:
            left.append(one)
            if finished.knows(one.output):
                say(f"{one.shown}: again, as {why}")
    return left


async def run_job(
    container: ServedContainer,
    objects: Sequence[InputObject],
    outputs: Outputs,
    finished: FinishedOutputs,
    settings: JobSettings,
    *,
    scratch: Path,
    say: Say,
    advanced: Callable[[int], None],
) -> JobOutcome:
    """Transform objects.

    Args:
        container: a healthy one.
        objects: what to transform.
        outputs: where to.
        finished: the record of what is done.
        settings: the job's.
        scratch: a folder for what is on its way from S3.
        say: takes the lines of the log.
        advanced: takes the bytes of objects that were read, as they are.

    Raises:
        UsageError: what the container suggests can't go with the settings.
        EndpointFailed: the container ended.
    """
    limits = limits_of(settings, await execution_parameters(container.connections))
    say(limits.log_line())
    work = Work(
        settings=settings,
        limits=limits,
        processing=processing_of(settings),
        invoker=Invoker(container.connections, settings, limits),
        # The next requests are made while some are under way.
        slots=asyncio.Semaphore(2 * limits.max_concurrent),
        scratch=scratch,
        advanced=advanced,
        warn=lambda text: say(f"warning: {text}"),
    )
    job = _Job(container, outputs, finished, work, say)
    shared = iter(objects)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(limits.max_concurrent, len(objects))):
                group.create_task(job.each_of(shared))
    except* EndpointFailed as ended:
        raise ended.exceptions[0] from None
    finally:
        finished.close()
    return job.outcome


class _Job:
    """The objects of a job, as its tasks take them one after the other."""

    def __init__(
        self,
        container: ServedContainer,
        outputs: Outputs,
        finished: FinishedOutputs,
        work: Work,
        say: Say,
    ) -> None:
        self._container = container
        self._outputs = outputs
        self._finished = finished
        self._work = work
        self._say = say
        self._noting = asyncio.Lock()
        self.outcome = JobOutcome()

    async def each_of(self, objects: Iterator[InputObject]) -> None:
        for one in objects:
            await self._take(one)

    async def _take(self, one: InputObject) -> None:
        try:
            await self._transform(one)
        except InvocationFailed as error:
            body = error.body.decode("utf-8", "replace")[:MESSAGE_CHARACTERS]
            self._fail(one, f"{error.cause}\n\nMessage:\n{body}")
            self._check_container()
        except (ObjectFailed, ObjectsFailed) as error:
            self._fail(one, error.cause)
        except OSError as error:
            self._fail(one, f"{error.filename or ''} {error.strerror or error}".strip())

    async def _transform(self, one: InputObject) -> None:
        output = self._outputs.create(one.output)
        try:
            records = await transform(one, output, self._work)
            await asyncio.to_thread(output.finish)
        except BaseException:
            output.discard()
            raise
        async with self._noting:
            await asyncio.to_thread(
                self._finished.note,
                one.output,
                source_of(one),
                output.size,
                output.sha256,
                records=records,
            )
        self.outcome.done += 1
        self.outcome.records += records

    def _fail(self, one: InputObject, why: str) -> None:
        self._say(f"{one.shown}: {why}")
        self.outcome.failed.append(f"{one.shown}: {why.partition(chr(10))[0]}")

    def _check_container(self) -> None:
        how = self._container.ended()
        if how is not None:
            raise EndpointFailed(f"the container ended ({how})", self._container.log)


def source_of(one: InputObject) -> dict[str, object]:
    """What an output is made of, for the record."""
    return {"address": one.address, "etag": one.info.etag, "size": one.info.size}
