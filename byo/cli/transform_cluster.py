"""``byo transform`` with --scheduler or --hosts: a job on a Dask cluster."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from byo.cli.progress_and_colour import working
from byo.cli.transform_outcome import log_line, tell
from byo.cli.transform_progress import progress_bar
from byo.command_errors import UsageError

if TYPE_CHECKING:
    from byo.transform.input_objects import InputObject
    from byo.transform.job_settings import JobSettings
    from byo.transform.outputs import Outputs
    from byo.transform.served_model import ServedModel

MOST_HOSTS = 64
# What a request over HTTP has, and a call in a worker's process has not.
OF_REQUESTS = {"max_concurrent": None, "timeout": 600, "retries": 3}


def check_cluster_options(options: argparse.Namespace) -> None:
    """Refuse what a job on a cluster can't do.

    Raises:
        UsageError: says which option.
    """
    if options.hosts is not None and not 1 <= options.hosts <= MOST_HOSTS:
        raise UsageError(f"--hosts is {options.hosts}: 1 to {MOST_HOSTS} workers can be started")
    if options.rows_per_part < 1:
        raise UsageError("--rows-per-part is a number of lines from 1 on")
    if options.scheduler and options.hosts:
        raise UsageError("--scheduler names a cluster and --hosts makes one: choose")
    if options.scheduler or options.hosts:
        _check_model_and_requests(options)


def _check_model_and_requests(options: argparse.Namespace) -> None:
    for name in ("url", "image"):
        if getattr(options, name):
            raise UsageError(
                f"--{name} names a server, and on a cluster each worker has the model in its own "
                "process: name the model with --model"
            )
    for name, usual in OF_REQUESTS.items():
        if getattr(options, name) != usual:
            raise UsageError(
                f"--{name.replace('_', '-')} is about requests over HTTP, and on a cluster there "
                "are none: leave it out"
            )
    if options.max_payload == 0:
        raise UsageError("--max-payload 0 is about chunks of HTTP: on a cluster set 1 to 100")


def transform_on_cluster(
    options: argparse.Namespace,
    objects: Sequence[InputObject],
    settings: JobSettings,
    outputs: Outputs,
    model: ServedModel,
    folder: Path,
) -> int:
    """Run a job on a cluster; the exit code.

    Raises:
        EndpointFailed: there is no cluster to be had, or it can't load the model.
        JobFailed: a part failed.
    """
    from byo.transform.batch_job import JobOutcome
    from byo.transform.container_environment import transform_environ
    from byo.transform.finished_outputs import FinishedOutputs
    from byo.transform.job_settings import limits_of
    from byo.transform.on_cluster.cluster_job import (
        loaded_on_workers,
        parts_of,
        parts_to_do,
        run_parts,
    )
    from byo.transform.on_cluster.clusters import existing_cluster, local_cluster
    from byo.transform.on_cluster.worker_model import pack

    began = time.monotonic()
    limits = limits_of(settings, {})
    environ = transform_environ({}, settings, options.env)
    asked = {"model": model.digest(), "rows_per_part": options.rows_per_part}
    with outputs.locked():
        finished = FinishedOutputs(outputs, {**settings.to_note(), **asked})
        with working("finding the objects' lines"):
            rows = options.rows_per_part
            parts = [part for one in objects for part in parts_of(one, settings, rows, folder)]
        left, outcome = parts_to_do(parts, finished, log_line), JobOutcome()
        sent = limits.log_line().partition(", ")[2]  # without what counts requests over HTTP
        log_line(f"{len(objects)} objects in {len(parts)} parts, {sent}")
        if left:
            cluster = existing_cluster(options.scheduler) if options.scheduler else None
            with cluster or local_cluster(options.hosts, folder) as client:
                packed = pack(model.paths.model, model.algorithm.folder)
                total = sum((part.stop or 0) - part.start for part in left)
                with (
                    loaded_on_workers(client, finished.job, packed, environ),
                    progress_bar(total) as (advanced, log),
                ):
                    outcome = run_parts(
                        client,
                        left,
                        finished,
                        settings,
                        limits,
                        digest=finished.job,
                        place=outputs.address,
                        say=log,
                        advanced=advanced,
                    )
    before = len(parts) - len(left)
    return tell(outcome, before, "parts", outputs, time.monotonic() - began, None)
