"""What surrounds the load of a model in any backend: the log, the supervisor, a failure's end."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from contract.errors import ByoError
from contract.settings import ServingSettings
from handler.invocation.pipeline import Limit, Pipeline
from handler.processes import load_events
from handler.processes.deadline import deadline

logger = logging.getLogger("byo")

REAP_SECONDS = 5.0
# The frontend knows that a process has ended a moment after the kernel does.
KNOWN_SECONDS = 0.02
NO_MEMORY = "there is not enough memory to load the model"


def load(
    name: str, model_dir: Path, settings: ServingSettings, context: Any, limit: Limit = deadline
) -> Pipeline:
    """Load a model, and tell the log and the supervisor how it went.

    Raises:
        ByoError, MemoryError: as `Pipeline.load`.
    """
    pid, start = os.getpid(), time.monotonic()
    load_events.send(load_events.Loading(pid, name))
    try:
        pipeline = Pipeline.load(model_dir, settings, context, limit)
    except (ByoError, MemoryError) as error:
        reason = str(error) or NO_MEMORY
        logger.error("model %r can't be loaded: %s", name, reason, exc_info=error)
        load_events.send(load_events.LoadFailed(pid, name, reason))
        raise
    seconds = time.monotonic() - start
    logger.info("model %r loaded in %.2f s", name, seconds)
    load_events.send(load_events.Loaded(pid, name, seconds))
    return pipeline


def configure_logging(level: int) -> None:
    """Log to the stream that MMS reads, in its format; MMS stamps time and worker."""
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    logger.setLevel(level)


def end_backend(pid: int) -> None:
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
