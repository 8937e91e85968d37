"""What a transform job says: lines as SageMaker's log has them, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from byo.cli.errors_to_exit_codes import say
from byo.command_errors import JobFailed

if TYPE_CHECKING:
    from byo.transform.batch_job import JobOutcome
    from byo.transform.outputs import Outputs


def log_line(text: str, printed: Callable[[str], None] = say) -> None:
    """Print a line of the job's log, by what prints it where a bar is drawn."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    printed(f"{now}:[sagemaker logs]: {text}")


def tell(
    outcome: JobOutcome, before: int, what: str, outputs: Outputs, seconds: float, log: Path | None
) -> int:
    """Say that a job is Completed; the exit code.

    Args:
        outcome: of what was to do.
        before: how much was done already.
        what: objects, or parts.
        outputs: where outputs are.
        seconds: that it took.
        log: the container's, if there is one.

    Raises:
        JobFailed: the job is Failed.
    """
    already = f", {before} were done already" if before else ""
    told = f"{outcome.done} {what} transformed{already}"
    if outcome.failed:
        raise JobFailed(
            f"the job is Failed: {told}, {len(outcome.failed)} failed; the first: "
            f"{outcome.failed[0]}",
            log if log and log.exists() else None,
        )
    say(
        f"byo transform: Completed: {told}, {outcome.records} records in {seconds:.1f} s, in "
        f"{outputs.address}"
    )
    return 0
