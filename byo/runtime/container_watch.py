"""SageMaker's own questions to a container, and what follows where it fails.

Each 5 s ``GET /ping``, and ``GET /models`` where it has many; each 60 s ``GET /metrics``. A
container that ended, or is not healthy several times in a row, is replaced.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

from byo.runtime.configuration import RuntimeSettings
from byo.runtime.instance import Instance
from byo.runtime.variant import State, Variant
from byo.served_container import ContainerUnreachable
from byo.served_container.readiness import PING_SECONDS, last_line, ping
from contract.errors import ByoError

log = logging.getLogger(__name__)

# AWS names no number of failed pings after which it replaces an instance.
FAILED_PINGS = 3
LONGEST_BACKOFF = 60.0
# A container that has stayed so long is not one that fails at its start.
STAYED_SECONDS = 60.0
# A process that is being killed closes its sockets a moment before it has ended.
DYING_SECONDS = 0.2


async def watch(variant: Variant, settings: RuntimeSettings) -> None:
    """Ask a variant's container until this task is cancelled, and replace it where it fails."""
    backoff, failed_pings = settings.restart_seconds, 0
    began = scraped = time.monotonic()
    while True:
        suspected = await _pause(variant, settings.ping_seconds)
        if time.monotonic() - began > STAYED_SECONDS:
            backoff = settings.restart_seconds
        instance = variant.instance
        if instance is None:
            why: str | None = variant.failure or "there is no container"
        else:
            why = await _ended(instance, suspected)
            if why is None:
                sick = await _ask_health(variant, instance)
                failed_pings = failed_pings + 1 if sick else 0
                why = sick if failed_pings >= FAILED_PINGS else None
        if why is None:
            if time.monotonic() - scraped >= settings.scrape_seconds and instance is not None:
                scraped = time.monotonic()
                await _ask(instance, "/metrics")
            continue
        failed_pings = 0
        await _replace(variant, instance, why, backoff)
        backoff, began = min(backoff * 2, LONGEST_BACKOFF), time.monotonic()


async def _pause(variant: Variant, seconds: float) -> bool:
    """Wait until it is time to ask, or an invocation broke off; whether that was so."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await variant.suspected.wait()
    suspected = variant.suspected.is_set()
    variant.suspected.clear()
    return suspected


async def _ended(instance: Instance, suspected: bool) -> str | None:
    """How a container has ended; None while it runs."""
    how = instance.container.ended()
    if how is None and suspected:
        await asyncio.sleep(DYING_SECONDS)
        how = instance.container.ended()
    return None if how is None else f"the container ended ({how})"


async def _ask_health(variant: Variant, instance: Instance) -> str | None:
    """What is wrong with a container; None where it is healthy."""
    sick = await ping(instance.container.connections)
    if sick is None and variant.configuration.multi_model:
        await _ask(instance, "/models")
    if sick is not None:
        log.warning("endpoint %s, variant %s: %s", variant.endpoint, variant.name, sick)
    return sick


async def _ask(instance: Instance, path: str) -> None:
    """Ask what SageMaker asks; a container may answer what it likes to these."""
    with suppress(ContainerUnreachable, TimeoutError):
        await instance.container.connections.request("GET", path, timeout=PING_SECONDS)


async def _replace(variant: Variant, failed: Instance | None, why: str, backoff: float) -> None:
    printed = last_line(failed.container.log) if failed else ""
    log.error(
        "endpoint %s, variant %s: %s; another one is started in %g s. Its log ends: %s",
        variant.endpoint, variant.name, why, backoff, printed,
    )  # fmt: skip
    variant.failed(why)
    await asyncio.sleep(backoff)
    try:
        await variant.restart(failed)
    except ByoError as error:
        log.error("endpoint %s, variant %s: %s", variant.endpoint, variant.name, error)
        variant.failed(str(error))
        return
    if variant.state is State.IN_SERVICE:
        log.warning("endpoint %s, variant %s: in service again", variant.endpoint, variant.name)
