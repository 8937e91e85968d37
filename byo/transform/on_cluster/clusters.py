"""The cluster of a job: one that is there already, or workers on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from byo.command_errors import EndpointFailed
from byo.prerequisites import require_module

CONNECT_SECONDS = 30.0
WORKERS_SECONDS = 60.0


@contextmanager
def existing_cluster(scheduler: str) -> Iterator[Any]:
    """A client of a scheduler, with TLS as Dask's own settings say.

    Raises:
        MissingPrerequisite: Dask's `distributed` is not installed.
        EndpointFailed: it can't be reached, or has no worker.
    """
    distributed = _distributed()
    try:
        client = distributed.Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise EndpointFailed(f"the scheduler {scheduler} can't be reached: {error}") from None
    with client:
        yield _with_workers(client, scheduler)


@contextmanager
def local_cluster(hosts: int, folder: Path) -> Iterator[Any]:
    """A client of a scheduler and workers on this machine, a process and a thread for each.

    Each is kept by a process that starts it again where it dies. They speak TLS with certificates
    of their own, so that nobody else on the machine can have them run anything.

    Args:
        hosts: how many.
        folder: for their files.

    Raises:
        MissingPrerequisite: Dask's `distributed` is not installed.
        EndpointFailed: none came up in time.
    """
    distributed = _distributed()
    security = distributed.Security.temporary()
    with (
        distributed.LocalCluster(
            n_workers=hosts,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            protocol="tls",
            security=security,
            local_directory=str(folder),
            dashboard_address=None,
            worker_dashboard_address=None,
            memory_limit=0,
            silence_logs="CRITICAL",
        ) as cluster,
        distributed.Client(cluster, security=security, set_as_default=False) as client,
    ):
        yield _with_workers(client, cluster.scheduler_address)


def _distributed() -> Any:
    require_module("distributed", "'byo[distributed]'")
    return import_module("distributed")


def _with_workers(client: Any, scheduler: str) -> Any:
    try:
        client.wait_for_workers(1, timeout=WORKERS_SECONDS)
    except TimeoutError:
        raise EndpointFailed(
            f"the scheduler {scheduler} has no worker, also after {WORKERS_SECONDS:g} s"
        ) from None
    return client
