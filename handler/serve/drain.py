"""The drain after a stop signal: what is under way is answered, what comes later is refused."""

from __future__ import annotations

import logging
from pathlib import Path

from handler.processes import inflight_lock

logger = logging.getLogger(__name__)

# SageMaker kills a container 30 s after SIGTERM.
DRAIN_SECONDS = 20.0
# How much of that is for those who wait already; who asks after it is refused. `docker stop`
# kills after 10 s.
TAKING_SECONDS = 3.0


def drain(lock: Path) -> None:
    """Wait until nothing is under way; callers that never pause must not put that off.

    Args:
        lock: the lock that workers hold while they work.
    """
    if inflight_lock.wait_until_quiet(lock, TAKING_SECONDS):
        return
    inflight_lock.refuse_new(lock)
    logger.info(
        "invocations that come later than %.0f s after the stop are refused", TAKING_SECONDS
    )
    if not inflight_lock.wait_until_quiet(lock, DRAIN_SECONDS - TAKING_SECONDS):
        logger.warning("invocations were still under way after %.0f s", DRAIN_SECONDS)
