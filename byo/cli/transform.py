"""``byo transform``: a batch transform job on this machine, by SageMaker's rules."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import shutil
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from byo.cli.errors_to_exit_codes import note, say
from byo.cli.own_tree import OWN_TREE
from byo.cli.progress_and_colour import working
from byo.cli.temporary_folder import scratch
from byo.cli.transform_cluster import check_cluster_options, transform_on_cluster
from byo.cli.transform_options import (
    add_cluster_options,
    add_job_options,
    add_places,
    data_type,
    job_settings,
)
from byo.cli.transform_outcome import log_line, tell
from byo.cli.transform_progress import progress_bar
from byo.command_errors import RunFailed, UsageError
from byo.content_types import guess_content_type
from byo.prerequisites import require_local

if TYPE_CHECKING:
    from byo.served_container import ServedContainer
    from byo.transform.batch_job import JobOutcome
    from byo.transform.finished_outputs import FinishedOutputs
    from byo.transform.input_objects import InputObject
    from byo.transform.job_settings import JobSettings
    from byo.transform.outputs import Outputs
    from byo.transform.served_model import ServedModel

LOG = "serve.log"
# A server that runs already answers, or is not there.
URL_SECONDS = 60.0

DESCRIPTION = """\
Send objects through a model as a batch transform job of SageMaker does, and write an .out for each:
the same splitting, batching, filters, joins, retries and errors. An object that fails leaves
nothing, the others go on, and the job then ends with 1. A second run of the same job skips what is
done.

The container is the real `serve` of this machine with the model that `byo train` left, or --model;
an image by docker with --image; or a server that runs already with --url.
"""
EXAMPLES = """\
examples:
  byo transform rows.csv out --split-type line --assemble-with line --accept text/csv
  byo transform rows/ out --split-type line --max-payload 1 --max-concurrent 4
  byo transform s3://bucket/in s3://bucket/out --content-type text/csv --model model.tar.gz
  byo transform rows.csv out --split-type line --assemble-with line --accept text/csv \\
      --input-filter '$[1:]' --join input --output-filter '$[0,-1]'
  byo transform rows.csv out --split-type line --explain
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_places(parser)
    add_job_options(parser)
    add_cluster_options(parser)
    parser.add_argument(
        "--explain",
        action="store_true",
        help="show the first two requests and what may bite, and send nothing",
    )


def run(options: argparse.Namespace) -> int:
    require_local("byo transform")
    from byo.transform.input_objects import find_objects

    if options.url and (options.image or options.model):
        raise UsageError("--url names a server that has its model: leave out --image and --model")
    if options.image and options.algorithm:
        raise UsageError("--image has its own algorithm: leave out --algorithm")
    check_cluster_options(options)
    objects = find_objects(options.input, data_type(options))
    settings = job_settings(options, _content_type(options, objects))
    with scratch("transform") as folder:
        if options.explain:
            return _explain(options, objects, settings, folder)
        try:
            return _transform(options, objects, settings, folder)
        except RunFailed:
            if not (folder / LOG).exists():  # for which alone the folder would be kept
                shutil.rmtree(folder, ignore_errors=True)
            raise


def _transform(
    options: argparse.Namespace,
    objects: Sequence[InputObject],
    settings: JobSettings,
    folder: Path,
) -> int:
    from byo.transform.batch_job import JobOutcome, still_to_do
    from byo.transform.finished_outputs import FinishedOutputs
    from byo.transform.outputs import Outputs

    outputs = Outputs(options.output, folder)
    _check_places(options.input, outputs)
    model = None if options.url else _model(options, folder)
    if model and (options.scheduler or options.hosts):
        return transform_on_cluster(options, objects, settings, outputs, model, folder)
    # Of the variables a digest alone: a value may be a secret.
    asked = {"url": options.url, "image": options.image, "model": model and model.digest()}
    asked["env"] = hashlib.sha256("\0".join(options.env).encode()).hexdigest()[:16]
    began = time.monotonic()
    with outputs.locked():
        finished = FinishedOutputs(outputs, {**settings.to_note(), **asked})
        left = still_to_do(objects, finished, log_line)
        outcome = JobOutcome()
        if left:
            outcome = _run(options, left, outputs, finished, settings, model, folder)
    before = len(objects) - len(left)
    return tell(outcome, before, "objects", outputs, time.monotonic() - began, folder / LOG)


def _run(
    options: argparse.Namespace,
    objects: Sequence[InputObject],
    outputs: Outputs,
    finished: FinishedOutputs,
    settings: JobSettings,
    model: ServedModel | None,
    folder: Path,
) -> JobOutcome:
    import uvloop

    from byo.served_container import running
    from byo.transform.batch_job import run_job

    async def job() -> JobOutcome:
        with working("starting the container", folder / LOG):
            container = await _start(options, settings, model, folder)
        with progress_bar(sum(one.info.size for one in objects)) as (advanced, log):
            async with running(_given(container)):
                return await run_job(
                    container,
                    objects,
                    outputs,
                    finished,
                    settings,
                    scratch=folder,
                    say=log,
                    advanced=advanced,
                )

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(job())


def _start(
    options: argparse.Namespace, settings: JobSettings, model: ServedModel | None, folder: Path
) -> Awaitable[ServedContainer]:
    from byo.served_container import start_image, start_serve, use_url
    from byo.transform.container_environment import transform_environ

    if options.url:
        return use_url(options.url, startup_seconds=URL_SECONDS)
    environ = transform_environ(os.environ, settings, options.env)
    log = folder / LOG
    assert model is not None  # noqa: S101 - for the type checker
    if options.image:
        # By their values: docker itself would take those of its own environment.
        own = transform_environ({}, settings, options.env)
        more = [part for name, value in own.items() for part in ("--env", f"{name}={value}")]
        return start_image(options.image, model.paths.model, os.environ, log=log, more=more)
    return start_serve(model.paths, model.algorithm, environ, log=log)


async def _given(container: ServedContainer) -> ServedContainer:
    return container


def _model(options: argparse.Namespace, folder: Path) -> ServedModel:
    from byo.transform.served_model import served_model

    base = options.base_dir or Path(OWN_TREE)
    return served_model(options.model, base, options.algorithm, os.environ, folder)


def _explain(
    options: argparse.Namespace,
    objects: Sequence[InputObject],
    settings: JobSettings,
    folder: Path,
) -> int:
    from byo.transform.explained import first_requests, local_copy, warnings
    from byo.transform.job_settings import limits_of
    from byo.transform.transform_errors import ObjectFailed
    from contract.signature import load_signature

    limits = limits_of(settings, {})
    signature = None
    if not options.url and (options.model or (options.base_dir or Path(OWN_TREE)).exists()):
        signature = load_signature(_model(options, folder).paths.model)
    say(f"{limits.log_line()}, unless the container's /execution-parameters suggests what is unset")
    say(f"{len(objects)} objects; the first: {objects[0].shown}, whose output is")
    say(f"{options.output.rstrip('/')}/{objects[0].output}")
    say()
    file = local_copy(objects[0], folder)
    for text in warnings(objects, file, settings, limits, signature):
        say(f"warning: {text}")
    say()
    try:
        for line in first_requests(file, settings, limits):
            say(line)
    except ObjectFailed as error:
        say(f"it can't be sent: {error.cause}")
    return 0


def _content_type(options: argparse.Namespace, objects: Sequence[InputObject]) -> str | None:
    """The content type that is named, else that of the files by their ending."""
    if options.content_type:
        named: str = options.content_type
        return named
    gzip = options.compression == "gzip"
    names = [one.name.removesuffix(".gz") if gzip else one.name for one in objects]
    kinds = {guess_content_type(Path(name)) for name in names}
    if len(kinds) > 1:
        raise UsageError(
            f"the objects are of several content types by their endings ({', '.join(kinds)}), and "
            "a job has one: name it with --content-type, or the objects of one kind"
        )
    kind = kinds.pop()
    note("transform", f"--content-type {kind}, by the ending; SageMaker itself guesses none")
    return kind


def _check_places(place: str, outputs: Outputs) -> None:
    """Refuse outputs that the next run would take for objects."""
    inside = place.startswith("s3://") and outputs.address.startswith(place)
    if outputs.folder and Path(place).is_dir():
        inside = outputs.folder.resolve().is_relative_to(Path(place).resolve())
    if inside:
        raise UsageError(
            f"OUTPUT {outputs.address} lies in INPUT, so that the next run would take outputs for "
            "objects: name another place"
        )
