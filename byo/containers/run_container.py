"""Run a container in the foreground, and leave nothing of it behind."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import IO

from byo.command_errors import JobFailed, RunFailed
from byo.containers.docker_engine import client, docker
from byo.containers.docker_run_options import Container
from byo.local_training import failure_cause
from contract.paths import Paths

# Beyond what the container itself is given to stop.
ENGINE_SECONDS = 30.0


@contextmanager
def attached(
    container: Container, *, name: str | None = None, output: IO[bytes] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A container, from its start until the block ends.

    However the block ends, the container is stopped (SIGTERM, then SIGKILL) and removed.

    Args:
        container: what to run.
        name: what the engine is to call it; None for a name of its own.
        output: where its output and its errors go; None for this process's own.

    Yields:
        The docker client that is attached to it. It ends when the container does, with the
        container's exit code; after the block it has ended.

    Raises:
        EngineFailed: the engine refuses to make the container.
    """
    name = name or f"byo-{container.command}-{secrets.token_hex(4)}"
    with ExitStack() as stack:
        stack.callback(_remove, name)
        docker(
            "create", "--rm", "--name", name, *container.options, container.image, container.command
        )
        process = subprocess.Popen(
            (client(), "start", "--attach", name),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us to act on
        )
        stack.callback(_reap, process)
        stack.callback(_stop, name, process, container.stop_seconds)
        yield process


def run_training_container(container: Container, paths: Paths) -> None:
    """Run a training job's container to its end.

    Args:
        container: made for these paths.
        paths: the job's tree.

    Raises:
        JobFailed: the job failed; the cause is in one line.
    """
    with attached(container) as process:
        status = process.wait()
    if status:
        raise JobFailed(failure_cause(paths, status))


def _stop(name: str, process: subprocess.Popen[bytes], seconds: int) -> None:
    """Stop the container, if it runs; whatever interrupts that kills it."""
    if process.poll() is not None:
        return
    try:
        docker("stop", "-t", str(seconds), name, seconds=seconds + ENGINE_SECONDS)
    except BaseException as error:
        with suppress(RunFailed):
            docker("kill", name)
        if not isinstance(error, RunFailed):
            raise


def _reap(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(ENGINE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _remove(name: str) -> None:
    with suppress(RunFailed):
        docker("rm", "--force", "--volumes", name)
