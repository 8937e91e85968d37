"""Which models a multi-model container sees, and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from byo.command_errors import UsageError
from byo.containers.docker_run_options import MODELS

# Where only one model is to be had, it goes by this name.
ONLY = "model"


@dataclass(frozen=True)
class Models:
    """Models in a container.

    Args:
        folder: what is mounted.
        target: where.
        urls: what ``POST /models`` takes as the ``url`` of each, by a name for it.
    """

    folder: Path
    target: str
    urls: dict[str, str]


def find_models(folder: Path | None, model: Path) -> Models:
    """The models in a folder, a folder each; without one, a single model.

    As on SageMaker, a model may lie in a folder ``model`` of its own folder.

    Args:
        folder: a folder of models, or None.
        model: a model directory.

    Raises:
        UsageError: the folder has no folder in it.
    """
    if folder is None:
        target = f"{MODELS}/{ONLY}"
        return Models(model, target, {ONLY: target})
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    urls = {entry.name: _url(entry) for entry in entries if entry.is_dir()}
    if not urls:
        raise UsageError(f"{folder} holds no models: put each into a folder of its own in it")
    return Models(folder, MODELS, urls)


def _url(entry: Path) -> str:
    inner = f"/{ONLY}" if (entry / ONLY).is_dir() else ""
    return f"{MODELS}/{entry.name}{inner}"
