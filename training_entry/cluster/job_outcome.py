"""How a job's end is told on every host: a reason, and an exit code."""

from __future__ import annotations

import re
from collections.abc import Sequence

from contract.errors import ByoError
from contract.user_module import describe
from training_entry.script.failure_report import clip, signal_name
from training_entry.script.runner import ScriptFailed

# What Dask raises, or hands on as a result, where the process of a task has died.
LOST_TASK = re.compile(r"KilledWorker|CancelledError|CommClosedError|no worker")
MOST_INCIDENTS = 3
STOPPED = "stopped by "


def failure_of(error: BaseException) -> ScriptFailed:
    """Any error as one with a reason and an exit code."""
    from sagemaker_training import errors

    if isinstance(error, ScriptFailed):
        return error
    if isinstance(error, ByoError | errors.ClientError):
        return ScriptFailed(str(error), 1)
    return ScriptFailed(describe(error), 1)


def stopped(number: int) -> ScriptFailed:
    """The failure of a host that a signal has stopped."""
    return ScriptFailed(f"{STOPPED}{signal_name(number)}", 128 + number)


def explain(reason: str, incidents: Sequence[str]) -> str:
    """The reason together with what happened to hosts and workers before.

    Where the script failed for a task that was lost, the loss is the cause and comes first.

    Args:
        reason: why the script failed.
        incidents: the hosts and the workers that were lost, in order.
    """
    # Where the whole job was stopped, the others were as well.
    if not incidents or reason.startswith(STOPPED):
        return reason
    told = "; ".join(list(dict.fromkeys(incidents))[:MOST_INCIDENTS])
    if LOST_TASK.search(reason):
        return clip(f"a task was lost with its worker: {told}\n{reason}")
    return clip(f"{reason}\nbefore that: {told}")
