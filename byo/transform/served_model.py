"""The model that a job asks, and the code around it, as `byo serve` finds them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from byo.algorithm_folder import Algorithm, algorithm_if_any
from byo.command_errors import UsageError
from byo.transform.finished_outputs import sha256_of
from byo.tree.model_to_serve import tree_of
from byo.tree.run_record import RunRecord
from contract.paths import Paths

# What makes a folder around us count as the algorithm's.
CODE = ("train.py", "inference.py")


@dataclass(frozen=True)
class ServedModel:
    """A model and the folder whose functions serve it where it brings none."""

    paths: Paths
    algorithm: Algorithm

    def digest(self) -> str:
        """What changes where the model or the code does."""
        whole = hashlib.sha256()
        for folder in (self.paths.model.resolve(), self.algorithm.folder.resolve()):
            for file in sorted(_files(folder)):
                whole.update(f"{file.relative_to(folder)}\0{sha256_of(file)}\n".encode())
        return whole.hexdigest()[:16]


def served_model(
    model: Path | None,
    base: Path,
    algorithm: Path | None,
    environ: Mapping[str, str],
    folder: Path,
) -> ServedModel:
    """Find a model.

    Args:
        model: a folder, an artifact or an archive; None for what lies in the tree.
        base: the tree that `byo train` leaves its model in.
        algorithm: the algorithm folder that is named, or None.
        environ: the caller's environment.
        folder: takes a tree for a model that is named.

    Raises:
        UsageError: there is no such model or folder.
    """
    if model is not None:
        paths = tree_of(model, folder / "ml")
        trained = RunRecord.read(model.resolve().parent).algorithm
    else:
        paths = Paths(base.resolve())
        if not paths.model.is_dir() or not any(paths.model.iterdir()):
            raise UsageError(
                f"{paths.model} holds no model: train one with `byo train`, or name a model with "
                "--model, an image with --image or a server with --url"
            )
        trained = RunRecord.read(paths.base).algorithm
    found = algorithm_if_any(algorithm, environ, CODE)
    if found is None and trained and Path(trained).is_dir():
        found = Algorithm(Path(trained))
    if found is None:
        nothing = folder / "no-algorithm"
        nothing.mkdir(exist_ok=True)
        found = Algorithm(nothing.resolve())
    return ServedModel(paths, found)


def _files(folder: Path) -> list[Path]:
    """The files that count: what Python keeps beside its sources does not."""
    return [
        file
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and ".byo" not in file.parts
    ]
