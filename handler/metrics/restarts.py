"""Why a process was replaced, counted by the process that replaces it."""

from __future__ import annotations

from handler.metrics.layout import REASONS, REASONS_AT
from handler.metrics.model_record import process_record
from handler.processes.child_exit_status import was_killed
from handler.processes.process_shared_memory import ProcessRecord

FORK_SERVER = "fork_server"


def replaced(told: ProcessRecord, code: int) -> None:
    """A process that answers for models has ended, and another takes its place.

    Args:
        told: what it told of itself.
        code: its exit code, or the negative number of the signal that ended it.
    """
    _count(_reason(told, code))


def fork_server_replaced() -> None:
    """The fork server has ended, and its hosts with it."""
    _count(FORK_SERVER)


def _reason(told: ProcessRecord, code: int) -> str:
    if told.is_overdue:
        return "overdue"
    if code >= 0:
        return "exited"
    return "killed" if was_killed(code) else "crashed"


def _count(reason: str) -> None:
    process_record().count(REASONS_AT + REASONS.index(reason))
