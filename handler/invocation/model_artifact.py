"""The model artifact in a model directory: which file it is, and what it holds once unpickled."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from contract.errors import ModelLoadError
from contract.user_module import describe

ARTIFACT_NAMES = ("model.joblib", "model.pkl")
ARTIFACT_SUFFIXES = (".joblib", ".pkl", ".pickle")
LEFT_IN_MAIN = (
    ". It was defined in the training script itself: move it to a module beside inference.py, "
    "or name the script by SAGEMAKER_PROGRAM"
)


def load_artifact(model_dir: Path) -> Any:
    """The default ``model_fn``: the joblib or pickle file in a model directory.

    ``model.joblib`` or ``model.pkl``, else the only file with such an ending.

    Raises:
        ModelLoadError: there is no such file, or more than one, or it can't be loaded.
    """
    import joblib  # here, so that a user's own model_fn need not pay for it

    artifact = find_artifact(model_dir)
    try:
        return joblib.load(artifact)
    except MemoryError:
        raise
    except Exception as error:
        advice = LEFT_IN_MAIN if "<module '__main__'" in str(error) else ""
        raise ModelLoadError(f"{artifact} can't be loaded: {describe(error)}{advice}") from error


def find_artifact(model_dir: Path) -> Path:
    """The one model artifact in a model directory.

    Raises:
        ModelLoadError: there is none, or it is not clear which is meant.
    """
    if not model_dir.is_dir():
        raise ModelLoadError(f"{model_dir} is not a folder")
    for name in ARTIFACT_NAMES:
        if (model_dir / name).is_file():
            return model_dir / name
    found = sorted(file for file in model_dir.iterdir() if file.suffix in ARTIFACT_SUFFIXES)
    if len(found) == 1:
        return found[0]
    what = f"several artifacts ({', '.join(f.name for f in found)})" if found else "no artifact"
    raise ModelLoadError(
        f"{model_dir} holds {what}: save the model as model.joblib, or write a model_fn"
    )


def lend_to_main(module: ModuleType | None) -> None:
    """Let pickles find in ``__main__`` what a user's module defines.

    A model that holds a class or function of the training script refers to it as ``__main__``'s,
    since the script ran as that. Where one script both trains and serves, it is here again.
    """
    if module is None:
        return
    main = sys.modules["__main__"]
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) == module.__name__ and not hasattr(main, name):
            setattr(main, name, value)
