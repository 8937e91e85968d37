"""Where a variant's model lies: it is brought here, as SageMaker brings it to an instance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from byo.algorithm_folder import Algorithm, algorithm_if_any
from byo.command_errors import UsageError
from byo.objects import store_of
from byo.runtime.configuration import VariantConfiguration
from byo.tree.model_to_serve import ARCHIVE_SUFFIXES, tree_of
from byo.tree.run_record import RunRecord
from contract.paths import Paths

# What makes a folder around us count as the algorithm's.
CODE = ("train.py", "inference.py")
TREE, DOWNLOADS, MODELS = "ml", "downloads", "models"


def single_model_tree(configuration: VariantConfiguration, folder: Path) -> Paths:
    """An /opt/ml tree with the variant's one model.

    Args:
        configuration: of the variant.
        folder: where the tree is made, anew.

    Raises:
        UsageError: there is no such model.
        ObjectsFailed: it can't be fetched.
    """
    return tree_of(_on_this_machine(str(configuration.model_data), folder), folder / TREE)


def many_models_tree(folder: Path) -> tuple[Paths, Path]:
    """A tree without a model, and the folder in it for models that come and go."""
    paths = Paths((folder / TREE).resolve())
    models = paths.base / MODELS
    models.mkdir(parents=True, exist_ok=True)
    paths.model.mkdir(exist_ok=True)
    return paths, models


def serving_algorithm(
    configuration: VariantConfiguration, folder: Path, environ: Mapping[str, str]
) -> Algorithm:
    """The folder whose functions serve a model that brings none.

    As for `byo serve`: the one that is named, else a usual one, else the one that trained the
    model; without any, an empty one, and the default functions serve.

    Raises:
        UsageError: the folder named does not exist.
    """
    found = algorithm_if_any(configuration.algorithm, environ, CODE)
    if found is None and configuration.model_data and not configuration.multi_model:
        trained = RunRecord.read(Path(configuration.model_data).resolve().parent).algorithm
        if trained and Path(trained).is_dir():
            found = Algorithm(Path(trained))
    if found is None:
        nothing = folder / "no-algorithm"
        nothing.mkdir(parents=True, exist_ok=True)
        found = Algorithm(nothing.resolve())
    return found


def _on_this_machine(place: str, folder: Path) -> Path:
    """A model's file or folder; what lies elsewhere is fetched first."""
    if "://" not in place:
        return Path(place)
    store, key = store_of(place)
    name = key.rpartition("/")[2]
    if not name.endswith(ARCHIVE_SUFFIXES):
        raise UsageError(f"{place} is no model.tar.gz: SageMaker takes nothing else from there")
    file = folder / DOWNLOADS / name
    file.parent.mkdir(parents=True, exist_ok=True)
    store.fetch(key, file)
    return file
