"""What lies beside a model's artifact and belongs to its prediction, as a scaler does.

Who saves a scaler and a model as two files applies both by a script of their own. Without that
script the model alone would answer, with numbers that look like any others.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from contract.errors import ModelLoadError
from contract.machine import MEBIBYTE
from handler.invocation.model_artifact import find_artifact, format_of, further_artifacts
from handler.invocation.skops_artifact import load_skops
from handler.invocation.user_functions import UserFunctions

logger = logging.getLogger(__name__)

# Whoever writes one of these says by it what becomes of a request.
OWN_WAYS = ("model_fn", "input_fn", "predict_fn", "transform_fn")
LARGEST_BYTES = 64 * MEBIBYTE


def check(model_dir: Path, user: UserFunctions) -> None:
    """See that the default functions leave nothing out that lies beside the model.

    Raises:
        ModelLoadError: a file holds what transforms rows or labels; the message names it.
    """
    if any(getattr(user, name) is not None for name in OWN_WAYS):
        return
    for file in further_artifacts(model_dir):
        held = _held(file, model=find_artifact(model_dir))
        if hasattr(held, "transform") and not hasattr(held, "predict"):
            raise ModelLoadError(
                f"{file} holds a {type(held).__name__}, which only a script of yours would apply: "
                "save it and the model as one pipeline in model.joblib, or write a predict_fn"
            )
        logger.warning("%s is not used: the model is another file", file)


def _held(file: Path, *, model: Path) -> Any:
    """What a file holds; None where that can't be told.

    Whoever saves a model with skops means nothing to be unpickled.
    """
    import joblib

    try:
        if file.stat().st_size > LARGEST_BYTES:
            return None
        if format_of(file.name) == "skops":
            return load_skops(file, ())
        return None if format_of(model.name) == "skops" else joblib.load(file)
    except Exception:
        return None
