"""The wait until a container says that it is healthy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from byo.command_errors import EndpointFailed
from byo.served_container.http_connections import Connections
from byo.served_container.kept_connection import ContainerUnreachable

# SageMaker gives `GET /ping` so long.
PING_SECONDS = 2.0
POLL_SECONDS = 0.1
LOG_END_BYTES = 8192
LONGEST_LINE = 300


async def wait_until_healthy(
    connections: Connections,
    seconds: float,
    *,
    log: Path | None,
    ended: Callable[[], str | None],
) -> None:
    """Ask ``GET /ping`` until the answer is 200, as SageMaker does before it sends invocations.

    Args:
        connections: to the container.
        seconds: until it must be healthy.
        log: the file with what the container prints, whose end goes into the error.
        ended: how the container ended, or None while it runs.

    Raises:
        EndpointFailed: it ended before, or was not healthy in time; with its log's last line.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        how = ended()
        if how is not None:
            raise EndpointFailed(f"the container ended ({how}): {last_line(log)}", log)
        left = deadline - loop.time()
        said = await ping(connections, min(PING_SECONDS, max(left, POLL_SECONDS)))
        if said is None:
            return
        if left <= 0:
            raise EndpointFailed(
                f"{connections.url} was not healthy within {seconds:g} s: {said}; its log ends: "
                f"{last_line(log)}",
                log,
            )
        await asyncio.sleep(POLL_SECONDS)


async def ping(connections: Connections, seconds: float = PING_SECONDS) -> str | None:
    """Ask ``GET /ping`` once.

    Returns:
        None where the answer is 200, else what is wrong.
    """
    try:
        answer = await connections.request("GET", "/ping", timeout=seconds)
    except TimeoutError:
        return f"GET /ping was not answered within {seconds:g} s"
    except ContainerUnreachable as error:
        return error.cause
    return None if answer.status == 200 else f"GET /ping was answered with {answer.status}"


def last_line(log: Path | None) -> str:
    """The last line of a log that is not empty, shortened."""
    if log is None:
        return "(its log is elsewhere)"
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LOG_END_BYTES))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError as error:
        return f"(its log can't be read: {error.strerror})"
    line = next((line.strip() for line in reversed(lines) if line.strip()), "(it printed nothing)")
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"
