"""Run a Runtime: its HTTP server, its endpoints' containers and what watches them."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import uvicorn

from byo.command_errors import UsageError
from byo.runtime.application import Application
from byo.runtime.async_jobs import AsyncJobs
from byo.runtime.configuration import EndpointConfiguration, RuntimeSettings
from byo.runtime.container_watch import watch
from byo.runtime.endpoint import Endpoint
from byo.runtime.invocations import RuntimeState
from byo.runtime.runtime_metrics import RuntimeMetrics
from byo.served_container import STOP_SECONDS

# As long as AWS keeps a client's idle connection, or longer: it is never the server that closes
# one which a client is about to use.
KEEP_ALIVE_SECONDS = 350
# For answers that are under way when the Runtime stops.
FINISH_SECONDS = int(STOP_SECONDS)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def listen(address: str, port: int) -> socket.socket:
    """A socket that listens; on any free port where ``port`` is 0.

    Raises:
        UsageError: the port is taken, or not ours to take.
    """
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((address, port))
        opened.listen(2048)
    except OSError as error:
        opened.close()
        raise UsageError(
            f"{address}:{port} can't be listened on ({error.strerror}): name another with --port"
        ) from None
    return opened


async def serve_until_signal(
    configurations: Sequence[EndpointConfiguration],
    settings: RuntimeSettings,
    listening: socket.socket,
    ready: Callable[[RuntimeState], None],
) -> None:
    """Run endpoints until SIGINT, SIGTERM or SIGHUP; nothing of them is left then.

    Args:
        configurations: of the endpoints.
        settings: the same for all.
        listening: where clients connect; it is closed.
        ready: called once each endpoint is in service.

    Raises:
        ByoError: an endpoint can't be started; says why.
    """
    with _signals() as signalled:
        await serve_runtime(configurations, settings, listening, ready, signalled)


async def serve_runtime(
    configurations: Sequence[EndpointConfiguration],
    settings: RuntimeSettings,
    listening: socket.socket,
    ready: Callable[[RuntimeState], None],
    signalled: asyncio.Queue[int],
) -> None:
    """Run endpoints until it is signalled to stop; nothing of them is left then.

    A second signal kills at once what has not stopped yet.

    Args:
        configurations: of the endpoints.
        settings: the same for all.
        listening: where clients connect; it is closed.
        ready: called once each endpoint is in service.
        signalled: the signals, as they come.

    Raises:
        ByoError: an endpoint can't be started; says why.
    """
    metrics = RuntimeMetrics()
    state = RuntimeState(
        {each.name: Endpoint(each, settings, metrics) for each in configurations},
        settings,
        metrics,
    )
    server = _Server(
        uvicorn.Config(
            Application(state),
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=FINISH_SECONDS,
        )
    )
    for endpoint in state.endpoints.values():
        if endpoint.asynchronous:
            endpoint.jobs = AsyncJobs(state, endpoint, endpoint.asynchronous)
    serving = asyncio.create_task(server.serve([listening]))
    running = asyncio.create_task(_run_endpoints(state, ready))
    try:
        await _until_signal(signalled, (serving, running))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        server.should_exit = True
        await _stop(state, signalled)
        await serving


async def _run_endpoints(state: RuntimeState, ready: Callable[[RuntimeState], None]) -> None:
    """Start all endpoints, and watch their containers from then on."""
    async with asyncio.TaskGroup() as group:
        await _start(state)
        for endpoint in state.endpoints.values():
            for variant in endpoint.variants.values():
                group.create_task(watch(variant, state.settings))
        ready(state)


async def _start(state: RuntimeState) -> None:
    """Start all endpoints, side by side; where one can't be, the others are given up."""
    async with asyncio.TaskGroup() as group:
        for endpoint in state.endpoints.values():
            group.create_task(endpoint.start())


async def _until_signal(
    signalled: asyncio.Queue[int], others: Sequence[asyncio.Task[None]]
) -> None:
    """Wait for a signal; another task that ends, or fails, ends the wait too."""
    waiting = asyncio.create_task(signalled.get())
    try:
        await asyncio.wait({waiting, *others}, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            if task.done():
                _raise_first(task)
    finally:
        waiting.cancel()


def _raise_first(task: asyncio.Task[None]) -> None:
    error = task.exception()
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if error is not None:
        raise error


async def _stop(state: RuntimeState, signalled: asyncio.Queue[int]) -> None:
    """Stop all containers; those that still run at the next signal are killed."""
    await asyncio.gather(*(each.jobs.close() for each in state.endpoints.values() if each.jobs))
    stopping = asyncio.create_task(_stop_all(state, STOP_SECONDS))
    again = asyncio.create_task(signalled.get())
    try:
        await asyncio.wait({stopping, again}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            await _stop_all(state, 0.0)
        await stopping
    finally:
        again.cancel()


async def _stop_all(state: RuntimeState, seconds: float) -> None:
    await asyncio.gather(*(endpoint.stop(seconds) for endpoint in state.endpoints.values()))


@contextmanager
def _signals() -> Iterator[asyncio.Queue[int]]:
    """The signals that say to stop, as they come, in place of what they would do."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[int] = asyncio.Queue()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    heeded = [number for number in SIGNALS if before[number] is not signal.SIG_IGN]
    for number in heeded:
        loop.add_signal_handler(number, arrived.put_nowait, number)
    try:
        yield arrived
    finally:
        for number in heeded:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])


class _Server(uvicorn.Server):
    """Uvicorn's server, which leaves signals to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
