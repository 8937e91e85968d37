"""A training job of several hosts on one machine, each a real `train` on an address of its own."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from byo.algorithm_folder import Algorithm
from byo.child_processes import child
from byo.command_errors import JobFailed
from byo.local_training import TRAIN_COMMAND, failure_cause, training_environ
from byo.prerequisites import train_executable
from byo.tree.job_tree import other_hosts_jobs
from contract.paths import Paths

LOG = "train.log"
# The leader tells them the outcome before it ends itself: what they have left to do is to stop.
END_TIMEOUT = 30.0


def shared_environ(environ: Mapping[str, str], hosts: Sequence[str]) -> dict[str, str]:
    """The environment of all hosts: a free port to meet on, and each its share of the cores."""
    with socket.create_server((hosts[0], 0)) as probe:
        port = probe.getsockname()[1]
    share = max(1, len(os.sched_getaffinity(0)) // len(hosts))
    return {"BYO_CLUSTER_PORT": str(port), "LOKY_MAX_CPU_COUNT": str(share), **environ}


@contextmanager
def other_hosts(
    leader: Paths, hosts: Sequence[str], algorithm: Algorithm, environ: Mapping[str, str]
) -> Iterator[dict[str, Path]]:
    """Run `train` on all hosts but the first, beside the block that runs it on that one.

    Args:
        leader: the first host's tree, complete.
        hosts: the names of all hosts, which are addresses of this machine.
        algorithm: the folder that holds train.py.
        environ: the environment that all hosts share.

    Yields:
        The file with each host's output, by its name.

    Raises:
        JobFailed: the block ended well, and another host's job did not; names the host.
    """
    jobs = other_hosts_jobs(leader, hosts)
    logs = {host: paths.base / LOG for host, paths in jobs.items()}
    train_executable()
    with ExitStack() as stack:
        running = {}
        for host, paths in jobs.items():
            file = stack.enter_context(logs[host].open("wb"))
            own = training_environ(environ, paths, algorithm)
            running[host] = stack.enter_context(child(TRAIN_COMMAND, own, stdout=file))
        yield logs
        for host, process in running.items():
            _check_end(host, process, jobs[host], logs[host])


def _check_end(host: str, process: subprocess.Popen[bytes], paths: Paths, log: Path) -> None:
    status: int | None = None
    with suppress(subprocess.TimeoutExpired):
        status = process.wait(END_TIMEOUT)
    if status is None:
        raise JobFailed(f"{host} did not end within {END_TIMEOUT:g} s after the first host", log)
    if status:
        raise JobFailed(f"{host}: {failure_cause(paths, status)}", log)
