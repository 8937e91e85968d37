"""Training jobs for the image: /opt/ml trees as SageMaker mounts them, and scripts to submit."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byo.tree.job_tree import given_job
from contract import Paths
from tests.container import engine

FIXTURES = Path(__file__).parent / "fixtures"
SHOWN_CHARACTERS = 1024


def job(base: Path, script: Path, **hyperparameters: Any) -> Paths:
    """A tree whose job trains with a script, submitted as the SDK does where S3 can't be reached.

    Args:
        base: the tree's base folder, made if there is none; channels in it stay.
        script: a file, or a folder that holds a train.py.
        hyperparameters: each is encoded as JSON, as the SDK encodes them.
    """
    paths = Paths(base)
    program = script.name if script.is_file() else "train.py"
    archive = paths.channel("code") / "sourcedir.tar.gz"
    archive.parent.mkdir(parents=True)
    pack(archive, script)
    submitted = {
        "sagemaker_program": program,
        "sagemaker_submit_directory": "/opt/ml/input/data/code/sourcedir.tar.gz",
    }
    return given_job(base, encoded(submitted | hyperparameters))


def encoded(hyperparameters: Mapping[str, Any]) -> dict[str, str]:
    """Hyperparameters as strings of JSON."""
    return {name: json.dumps(value) for name, value in hyperparameters.items()}


def pack(archive: Path, source: Path) -> None:
    """Pack a file, or what is in a folder, as the SDK packs code and as SageMaker packs models."""
    with tarfile.open(archive, "w:gz") as tar:
        for entry in sorted(source.iterdir()) if source.is_dir() else [source]:
            tar.add(entry, entry.name)


def train(image: str, paths: Paths, *options: str | Path) -> engine.Ended:
    """Run the image's `train` on a tree, to its end."""
    return engine.run(image, "train", options=[*engine.mount(paths.base, "/opt/ml"), *options])


def failure(paths: Paths) -> str:
    """What SageMaker would show as FailureReason."""
    return paths.failure.read_text(encoding="utf-8")[:SHOWN_CHARACTERS]
