"""What starts one container and stops it again, however it is run."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

from byo import child_processes
from byo.algorithm_folder import Algorithm
from byo.command_errors import RunFailed
from byo.containers import MODEL, attached, require_image, serving_container
from byo.containers.docker_engine import docker
from byo.endpoint import serving_environ
from byo.endpoint.local_endpoint import ADDRESS, SERVE_COMMAND
from byo.prerequisites import require_serving
from byo.served_container import used_memory
from byo.served_container.http_connections import Connections
from byo.served_container.readiness import wait_until_healthy
from contract.paths import Paths
from handler.serve.pick_free_port import free_port

# SageMaker's own: ContainerStartupHealthCheckTimeoutInSeconds where none is set, and the time
# between SIGTERM and SIGKILL.
STARTUP_SECONDS = 480.0
STOP_SECONDS = 30.0
# Beyond what a container itself is given to stop.
ENGINE_SECONDS = 30.0


class ServedContainer(Protocol):
    """A container that was healthy when it was handed over.

    `url` is its address, `connections` the kept connections to it, `log` the file that takes what
    it prints, or None where that is elsewhere.
    """

    url: str
    connections: Connections
    log: Path | None

    def ended(self) -> str | None:
        """How it ended, or None while it runs, as far as can be known."""

    def memory(self) -> int | None:
        """Bytes that it takes as a whole; None where that can't be known. It may block."""

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """SIGTERM, then SIGKILL; returns once nothing of it is left. May be called again."""


@asynccontextmanager
async def running(starting: Awaitable[ServedContainer]) -> AsyncIterator[ServedContainer]:
    """A container that is stopped when the block ends.

    ``async with running(start_serve(…)) as container: …``
    """
    container = await starting
    try:
        yield container
    finally:
        await container.stop()


async def start_serve(
    paths: Paths,
    algorithm: Algorithm,
    environ: Mapping[str, str],
    *,
    log: Path,
    multi_model: bool = False,
    startup_seconds: float = STARTUP_SECONDS,
) -> ServedContainer:
    """The real `serve`, on a free port of 127.0.0.1, healthy.

    Args:
        paths: the tree whose model directory is served.
        algorithm: the folder whose inference.py serves a model that brings none.
        environ: the whole environment, but for what names this tree and this port.
        log: the file that takes what it prints.
        multi_model: whether models come and go at run time.
        startup_seconds: until it must be healthy.

    Raises:
        MissingPrerequisite: multi-model-server or Java is not installed.
        EndpointFailed: it ended, or was not healthy in time; the message has its last line.
    """
    require_serving(environ)
    port = free_port()
    own = serving_environ(environ, paths, algorithm, port, multi_model=multi_model)
    with log.open("wb") as output:
        process = subprocess.Popen(
            SERVE_COMMAND,
            env=child_processes.with_packages(own),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us to act on
        )
    return await _healthy(_Process(f"http://{ADDRESS}:{port}", log, process), startup_seconds)


async def start_image(
    image: str,
    folder: Path,
    environ: Mapping[str, str],
    *,
    log: Path,
    target: str = MODEL,
    more: Sequence[str] = (),
    startup_seconds: float = STARTUP_SECONDS,
) -> ServedContainer:
    """Any SageMaker image, by ``docker run … IMAGE serve``, on a free port of 127.0.0.1, healthy.

    Args:
        image: the image's name.
        folder: what it sees and can't write to: a model, or a folder of models.
        environ: the settings in it pass on (``SAGEMAKER_…``, ``MODEL_SERVER_…``, ``BYO_…``).
        log: the file that takes what it prints.
        target: where it sees the folder; anywhere but at ``/opt/ml/model`` it is told that
            models come and go at run time.
        more: more options of `docker run`, which count most.
        startup_seconds: until it must be healthy.

    Raises:
        MissingPrerequisite: there is no docker, or its engine does not answer.
        UsageError: the engine has no such image.
        EndpointFailed: it ended, or was not healthy in time; the message has its last line.
    """
    await asyncio.to_thread(require_image, image)
    port = free_port()
    container = serving_container(image, folder, target, port=port, environ=environ, more=more)
    name = f"byo-serve-{secrets.token_hex(4)}"
    stack = ExitStack()
    with log.open("wb") as output:
        process = await _entered(stack, attached(container, name=name, output=output))
    started = _DockerContainer(f"http://{ADDRESS}:{port}", log, process, name, stack)
    return await _healthy(started, startup_seconds)


async def use_url(url: str, *, startup_seconds: float = STARTUP_SECONDS) -> ServedContainer:
    """A container that someone else runs, once it is healthy.

    Args:
        url: its address, with what path may come before ``/invocations``.
        startup_seconds: until it must be healthy.

    Raises:
        UsageError: the address is no http or https URL.
        EndpointFailed: it was not healthy in time.
    """
    return await _healthy(_Elsewhere(url), startup_seconds)


class _Elsewhere:
    """A container that someone else starts and stops."""

    log: Path | None = None

    def __init__(self, url: str) -> None:
        self.connections = Connections(url)
        self.url = self.connections.url

    def ended(self) -> str | None:
        return None

    def memory(self) -> int | None:
        return None

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        await self.connections.drained(seconds)  # it is told nothing, and goes on
        await self.connections.close()


class _Process:
    """A `serve` of this machine."""

    def __init__(self, url: str, log: Path, process: subprocess.Popen[bytes]) -> None:
        self.url = url
        self.connections = Connections(url)
        self.log: Path | None = log
        self._process = process

    def ended(self) -> str | None:
        code = self._process.poll()
        return None if code is None else f"exit code {code}"

    def memory(self) -> int | None:
        return used_memory.of_processes(self._process.pid)

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        try:
            await asyncio.to_thread(self._stop, seconds)
        finally:
            await self.connections.close()

    def _stop(self, seconds: float) -> None:
        child_processes.stop(self._process, seconds)


class _DockerContainer(_Process):
    """A container of the Docker engine; the process is the docker client attached to it."""

    def __init__(
        self,
        url: str,
        log: Path,
        process: subprocess.Popen[bytes],
        name: str,
        stack: ExitStack,
    ) -> None:
        super().__init__(url, log, process)
        self._name = name
        self._stack = stack

    def memory(self) -> int | None:
        return used_memory.of_docker_container(self._name)

    def _stop(self, seconds: float) -> None:
        if self._process.poll() is None:
            with suppress(RunFailed):  # the stack kills and removes what did not stop
                whole = int(seconds)
                docker("stop", "-t", str(whole), self._name, seconds=whole + ENGINE_SECONDS)
        self._stack.close()


async def _healthy(container: ServedContainer, seconds: float) -> ServedContainer:
    """The container itself, once it is healthy; stopped where it does not become so."""
    try:
        await wait_until_healthy(
            container.connections, seconds, log=container.log, ended=container.ended
        )
    except BaseException:
        await container.stop()
        raise
    return container


async def _entered(
    stack: ExitStack, manager: AbstractContextManager[subprocess.Popen[bytes]]
) -> subprocess.Popen[bytes]:
    """Enter a context in a thread; what a cancellation leaves half begun is taken back."""
    entering = asyncio.ensure_future(asyncio.to_thread(stack.enter_context, manager))
    try:
        return await asyncio.shield(entering)
    except asyncio.CancelledError:
        await asyncio.wait((entering,))
        await asyncio.to_thread(stack.close)
        raise
