"""A model that a caller names as it lies: a folder, a file, or an archive as SageMaker has it."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

from byo.command_errors import UsageError
from contract.paths import Paths
from contract.signature import FILE_NAME as SIGNATURE

ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar")


def tree_of(model: Path, base: Path, *, followed: bool = False) -> Paths:
    """An /opt/ml tree, made anew, whose model directory is the model.

    A folder is used where it lies. A file is served as the one artifact, with a signature.json
    that lies beside it; an archive is unpacked.

    Args:
        model: a model directory, an artifact such as ``model.joblib``, or a ``model.tar.gz``.
        base: the tree's base folder; what is there is removed.
        followed: whether what takes the model's place later is to be seen in the tree.

    Raises:
        UsageError: there is no such file, or the archive can't be unpacked.
    """
    if not model.exists():
        raise UsageError(f"--model {model} does not exist")
    paths = Paths(base.resolve())
    shutil.rmtree(paths.base, ignore_errors=True)
    paths.base.mkdir(parents=True)
    if model.is_dir():
        if not any(model.iterdir()):
            raise UsageError(f"--model {model} is an empty folder")
        paths.model.symlink_to(model.resolve())
    elif model.name.endswith(ARCHIVE_SUFFIXES):
        paths.model.mkdir()
        _unpack(model, paths.model)
    else:
        paths.model.mkdir()
        _place(model, paths.model, followed)
        if model.with_name(SIGNATURE).is_file():
            _place(model.with_name(SIGNATURE), paths.model, followed)
    return paths


def require_followed(model: Path, *, in_container: bool) -> None:
    """Refuse what `tree_of` can't keep up with, as the server sees a copy of it.

    Args:
        model: as for `tree_of`.
        in_container: whether the tree alone is seen, and not where it links to.

    Raises:
        UsageError: says what can be followed.
    """
    if model.is_file() and (in_container or model.name.endswith(ARCHIVE_SUFFIXES)):
        what = "a file in a container" if in_container else "an archive"
        raise UsageError(
            f"--reload can't follow {model}, {what}: name a folder that holds the model"
        )


def _place(file: Path, folder: Path, followed: bool) -> None:
    """Put a file into a folder without a copy of its bytes, where the file system can.

    A link to the name is good only where this machine's process reads it.
    """
    target = folder / file.name
    if followed:
        target.symlink_to(file.absolute())
        return
    try:
        os.link(file.resolve(), target)
    except OSError:
        shutil.copyfile(file, target)


def _unpack(archive: Path, folder: Path) -> None:
    try:
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise UsageError(f"--model {archive} can't be unpacked: {error}") from None
    if not any(folder.iterdir()):
        raise UsageError(f"--model {archive} is an empty archive")
