"""How a load for which there is not enough memory ends, so that the frontend answers with 507."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time

logger = logging.getLogger(__name__)

REAP_SECONDS = 5.0
# The frontend knows that a process has ended a moment after the kernel does.
KNOWN_SECONDS = 0.02
NO_MEMORY = "there is not enough memory to load the model"


def end_executed_process(pid: int) -> None:
    """End the process that the frontend started for a model, as the kernel would.

    For a MemoryError the frontend is to answer LOAD with 507, as it does, but it then keeps the
    model registered without a worker, and every further LOAD is a 409. It forgets the model if
    by then the process that it started has ended.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + REAP_SECONDS
        while time.monotonic() < until:
            os.kill(pid, 0)  # until the frontend has noticed, and it is no zombie
            time.sleep(0.01)
        logger.warning(
            "process %d, which stands for a model, did not end within %.0f s: the frontend may "
            "keep the model registered until it is unloaded",
            pid,
            REAP_SECONDS,
        )
    time.sleep(KNOWN_SECONDS)
