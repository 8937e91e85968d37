"""The algorithm folder, and the model that it has trained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from byo.algorithm_folder import Algorithm
from byo.doctor.remedies import Remedied, doubtful, lacking, well
from byo.tree.run_record import RunRecord
from contract.errors import SignatureError
from contract.paths import Paths
from contract.requirements.pip_run import without_credentials
from contract.requirements.requirement_lines import FILE_NAME
from contract.requirements.what_is_lacking import unmet
from contract.signature import FILE_NAME as SIGNATURE
from contract.signature import load_signature


def check_folder_and_model(algorithm: Algorithm | None, paths: Paths) -> Iterator[Remedied]:
    """The folder's requirements against what is installed, and the tree's model.

    Args:
        algorithm: the folder that commands would find; None if there is none.
        paths: the tree of `byo train`.
    """
    if algorithm is None:
        yield doubtful("there is no algorithm folder here", "byo init mine")
    else:
        yield well(f"the algorithm folder is {algorithm.folder}")
        yield _requirements(algorithm.folder / FILE_NAME)
    if not paths.model.is_dir() or not any(paths.model.iterdir()):
        return
    record = RunRecord.read(paths.base)
    if record.outcome in ("failed", "running"):
        yield doubtful(f"{paths.model} is of a training that failed", "byo train")
    if algorithm and record.algorithm and record.algorithm != str(algorithm.folder):
        yield doubtful(
            f"the model in {paths.model} was trained by {record.algorithm}",
            f"byo serve --algorithm {record.algorithm}",
        )
    yield _signature(paths.model)


def _requirements(file: Path) -> Remedied:
    missing = [without_credentials(line) for line in unmet(file)]
    if not missing:
        return well(f"{file.name}: everything is installed")
    return doubtful(
        f"{file}: not installed here: {', '.join(missing)}",
        "a training job and a server install it when they start",
    )


def _signature(model: Path) -> Remedied:
    try:
        signature = load_signature(model)
    except SignatureError as error:
        return lacking(f"{error}", "train again")
    if signature is None:
        return doubtful(
            f"{model} has no {SIGNATURE}, so requests can't be checked",
            "call byo.save_signature(model, X, y) in train.py",
        )
    return well(f"{model / SIGNATURE} describes {len(signature.inputs)} columns")
