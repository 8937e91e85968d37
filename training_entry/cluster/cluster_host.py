"""One host of a cluster: its name, its address, its secret, and its worker process."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.paths import Paths
from training_entry.cluster.addresses import own_address
from training_entry.cluster.certificates import job_secret, write_certificates
from training_entry.cluster.cluster_settings import ClusterSettings
from training_entry.cluster.dask_children import Kept, worker_environ
from training_entry.job import leader_of


@dataclass(frozen=True)
class Host:
    """One host of the job, as it knows itself.

    Args:
        name: its name, current_host in resourceconfig.json.
        hosts: the names of all hosts.
        address: the address that its name points to.
        secret: the job's secret.
        dask: Dask's settings, as environment variables.
        scratch: a private folder.
        settings: the cluster's settings.
    """

    name: str
    hosts: tuple[str, ...]
    address: str
    secret: bytes
    dask: Mapping[str, str]
    scratch: Path
    settings: ClusterSettings

    @property
    def leader(self) -> str:
        return leader_of(self.hosts)


def read_host(env: Any, paths: Paths, environ: Mapping[str, str], scratch: Path) -> Host:
    """Read what the current host needs to take part.

    Args:
        env: the toolkit's environment of the job.
        paths: the job's tree.
        environ: the process's environment.
        scratch: a private folder, which takes the certificates.

    Raises:
        SettingsError: a setting can't be used, or the host's name is no address of its own.
    """
    settings = ClusterSettings.from_environ(environ)
    # A relative path is one inside a channel: where a file that only this job can read arrives.
    secret_file = settings.secret_file and paths.input_data / settings.secret_file
    secret = job_secret(env.hosts, paths.hyperparameters, secret_file, environ)
    quiet = {} if settings.dashboard else {"DASK_DISTRIBUTED__SCHEDULER__HTTP__ROUTES": "[]"}
    defaults = {
        "DASK_LOGGING__DISTRIBUTED": "warning",
        "DASK_DISTRIBUTED__WORKER__HTTP__ROUTES": "[]",
        # A task that no worker is left for fails, and does not wait for ever.
        "DASK_DISTRIBUTED__SCHEDULER__NO_WORKERS_TIMEOUT": f"{settings.join_timeout}s",
    }
    own = {name: value for name, value in environ.items() if name in defaults}
    return Host(
        name=env.current_host,
        hosts=tuple(env.hosts),
        address=own_address(env.current_host),
        secret=secret,
        dask=defaults | quiet | own | write_certificates(secret, env.current_host, scratch),
        scratch=scratch,
        settings=settings,
    )


def worker_of(
    host: Host,
    scheduler: str,
    folder: Path,
    on_ready: Callable[[str], None],
    on_death: Callable[[str, int], None],
) -> Kept:
    """The worker process of a host, not started yet.

    Args:
        host: the host.
        scheduler: the scheduler's address.
        folder: the user's folder.
        on_ready: called when the worker takes tasks.
        on_death: called with how it ended, and how often that has been.
    """
    return Kept(
        ["worker", host.address, scheduler, host.name, str(host.scratch)],
        cwd=folder,
        environ=worker_environ(os.environ | host.dask, folder),
        on_ready=on_ready,
        on_death=on_death,
    )
