"""Checkpoints for training scripts: save now and then, and go on from there after a restart.

    from byo import load_checkpoint, save_checkpoint

    model, epoch = load_checkpoint() or (SGDClassifier(random_state=0), 0)
    while epoch < epochs:
        model.partial_fit(X, y, classes=classes)
        epoch += 1
        save_checkpoint(model, epoch)

SageMaker copies ``/opt/ml/checkpoints`` to the job's checkpoint address while it trains, and
back before it starts a job, or a spot instance, again.

A checkpoint is an ordinary joblib file with a checksum after its end, and appears under its name
only when it is complete. ``docs/checkpoints.md`` has more.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib

from contract.errors import ByoError
from contract.paths import Paths
from training_entry.job import Job

FOLDER = "checkpoints"
NAME = re.compile(r"step-(\d{12,})\.joblib")
UNFINISHED = ".unfinished-"
# What ends a complete file: these bytes, and the SHA-256 of all before them.
MARK = b"byo-ckpt"
FOOTER = len(MARK) + hashlib.sha256().digest_size

logger = logging.getLogger(__name__)


class CheckpointError(ByoError):
    """A checkpoint can't be saved; the message names the folder and what is wrong."""


def save_checkpoint(
    state: Any, step: int, *, directory: str | Path | None = None, keep: int = 3
) -> Path | None:
    """Save the state of a training after a step, so that a restart can go on from it.

    Only the job's first host saves. Checkpoints of later steps, which an earlier run left and
    this one has not loaded, are removed: the training has begun anew.

    Args:
        state: anything that joblib can write: a model, or a dict with all that the next step
            depends on, such as a random number generator.
        step: the number of steps done, from 0.
        directory: the folder; None for ``/opt/ml/checkpoints``.
        keep: how many of the latest checkpoints to keep.

    Returns:
        The file, or None on the job's other hosts and where there is no job and no folder.

    Raises:
        CheckpointError: it can't be written.
        ValueError: the step or the number to keep makes no sense.
    """
    if step < 0 or keep < 1:
        raise ValueError(f"step must be at least 0 and keep at least 1, not {step} and {keep}")
    folder = _folder(directory)
    if folder is None or not Job.from_environ(os.environ).is_leader:
        return None
    file = folder / f"step-{step:012d}.joblib"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(file, {"state": state, "step": step})
    except OSError as error:
        raise CheckpointError(
            f"the checkpoint of step {step} can't be written to {folder}: {error.strerror}"
        ) from error
    _remove_others(folder, step, keep)
    return file


def load_checkpoint(*, directory: str | Path | None = None) -> tuple[Any, int] | None:
    """Load the latest checkpoint that is whole.

    Like every pickle it may run code when it is loaded: the folder must be as trusted as the
    training script.

    Args:
        directory: the folder; None for ``/opt/ml/checkpoints``.

    Returns:
        The state and the number of steps done, or None if there is no checkpoint to go on from.
    """
    folder = _folder(directory)
    for file in reversed(_files(folder) if folder else []):
        try:
            document = _read(file)
        except Exception as error:
            # An exception of the state's own class may be anything.
            logger.warning("passing over the checkpoint %s: %s", file.name, error)
        else:
            logger.info("going on from %s", file.name)
            return document["state"], document["step"]
    return None


def _folder(directory: str | Path | None) -> Path | None:
    if directory is not None:
        return Path(directory)
    base = Paths.from_environ(os.environ).base
    if base.is_dir():
        return base / FOLDER
    logger.warning("no checkpoints without a training job: %s doesn't exist", base)
    return None


def _files(folder: Path) -> list[Path]:
    """The checkpoints in a folder, in the order of their steps."""
    if not folder.is_dir():
        return []
    return sorted((f for f in folder.iterdir() if NAME.fullmatch(f.name)), key=_step)


def _step(file: Path) -> int:
    found = NAME.fullmatch(file.name)
    return int(found[1]) if found else -1


def _write(file: Path, document: dict[str, Any]) -> None:
    """Write a file that is either complete and on the disk, or not there."""
    with _unfinished(file.parent) as (stream, name):
        joblib.dump(document, stream)
        stream.seek(0)
        checksum = hashlib.file_digest(stream, "sha256").digest()
        stream.write(MARK + checksum)
        stream.flush()
        os.fsync(stream.fileno())
        name.replace(file)
    descriptor = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _unfinished(folder: Path) -> Iterator[tuple[io.BufferedRandom, Path]]:
    """A file of another name in the same folder, which goes again if it was not renamed."""
    descriptor, name = tempfile.mkstemp(prefix=UNFINISHED, dir=folder)
    try:
        with os.fdopen(descriptor, "w+b") as stream:
            yield stream, Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _read(file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        if not _is_whole(stream):
            raise ValueError("it is torn or damaged")
        stream.seek(0)
        document: dict[str, Any] = joblib.load(stream)
        return document


def _is_whole(stream: io.BufferedReader) -> bool:
    size = stream.seek(0, os.SEEK_END) - FOOTER
    if size < 0:
        return False
    stream.seek(0)
    digest = hashlib.sha256()
    while size and (chunk := stream.read(min(size, 1 << 20))):
        digest.update(chunk)
        size -= len(chunk)
    return stream.read() == MARK + digest.digest()


def _remove_others(folder: Path, step: int, keep: int) -> None:
    """Remove what is too old, what is of an earlier run, and what was never finished."""
    files = _files(folder)
    later = [file for file in files if _step(file) > step]
    if later:
        logger.warning("removing %d checkpoints after step %d of an earlier run", len(later), step)
    unfinished = [file for file in folder.iterdir() if file.name.startswith(UNFINISHED)]
    for file in [*later, *files[: -len(later) or None][:-keep], *unfinished]:
        file.unlink(missing_ok=True)
