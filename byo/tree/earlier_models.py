"""The models of earlier runs in a tree: the last good one is never lost."""

from __future__ import annotations

import shutil
from pathlib import Path

from byo.tree.run_record import RunRecord
from contract.paths import Paths

PREVIOUS_MODEL = "model.previous"
FAILED_MODEL = "model.failed"


def clear_outcome(paths: Paths, record: RunRecord) -> Path | None:
    """Remove an earlier run's outcome and set its model aside, for SageMaker starts with none.

    The model of a run that failed, or was killed, goes to ``model.failed``; any other one to
    ``model.previous``. Either replaces only its like. The files are moved, not the folder, which
    may be a mount.

    Args:
        paths: the tree.
        record: what the earlier run noted.

    Returns:
        The folder that now holds the earlier model, or None if there was none.
    """
    target = paths.base / (FAILED_MODEL if _has_failed(paths, record) else PREVIOUS_MODEL)
    for file in (paths.failure, paths.success, paths.metrics):
        file.unlink(missing_ok=True)
    # Killed between any two of these steps, the next run goes on where this one was.
    incoming = target.with_name(f"{target.name}.incoming")
    earlier = list(paths.model.iterdir())
    if not earlier and not incoming.exists():
        return None
    incoming.mkdir(exist_ok=True)
    for entry in earlier:
        shutil.move(entry, incoming / entry.name)
    shutil.rmtree(target, ignore_errors=True)
    incoming.rename(target)
    return target


def previous_model(paths: Paths) -> Path | None:
    """The folder of the last good model before the one in the tree, if there is one."""
    folder = paths.base / PREVIOUS_MODEL
    return folder if folder.is_dir() and any(folder.iterdir()) else None


def _has_failed(paths: Paths, record: RunRecord) -> bool:
    if record.outcome == "unknown":
        return paths.failure.exists()
    return record.outcome != "succeeded"
