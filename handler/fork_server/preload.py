"""What a fork server does once, so that its hosts share it instead of each doing it again."""

from __future__ import annotations

import gc
import importlib
import logging
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from contract import save_signature
from contract.settings import MODEL_FORMATS, ServingSettings
from handler.invocation.pipeline_loading import load_pipeline
from handler.invocation.request_types import Request
from handler.processes.freed_memory import give_back

logger = logging.getLogger(__name__)

PRELOAD_VARIABLE = "BYO_PRELOAD"
# What most models are made of, and first what that is made of: a fork server that imports while it
# serves is to say in between that it lives.
MODULES = (
    "joblib",
    "scipy.sparse",
    "scipy.special",
    "scipy.linalg",
    "scipy.optimize",
    "scipy.stats",
    "sklearn.utils",
    "sklearn.metrics",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.feature_extraction.text",
    "sklearn.impute",
    "sklearn.linear_model",
    "sklearn.neighbors",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "sklearn.svm",
    "sklearn.tree",
)
BODIES = ((b"1,2", "text/csv"), (b"[[1,2],[3,4]]", "application/json"))


def import_modules(more: str, is_awaited: Callable[[], bool]) -> None:
    """Import what hosts will need.

    Args:
        more: further modules, separated by commas: those of the models' own requirements that
            may be imported before a fork.
        is_awaited: asked before each of our own: whether somebody waits, and would rather have
            a host now, which imports just what its model needs.
    """
    for module in filter(None, (name.strip() for name in more.split(","))):
        try:
            importlib.import_module(module)
        except Exception as error:
            logger.warning("%s: %s can't be imported: %s", PRELOAD_VARIABLE, module, error)
    while not is_awaited() and import_one():
        pass


def import_one() -> bool:
    """Import one more of our own; whether there was one left."""
    module = _next()
    if module is None:
        return False
    importlib.import_module(module)
    return True


def is_complete() -> bool:
    """Whether all of our own are imported."""
    return _next() is None


def _next() -> str | None:
    return next((name for name in MODULES if name not in sys.modules), None)


def rehearse(settings: ServingSettings) -> None:
    """Load and ask a small model: what is imported and remembered on the way is shared, too."""
    import joblib
    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # A module of the user's that is imported here would stand in for every model's own.
    nobodys = replace(settings, algorithm_dir=Path("/nowhere"), submit_dir=None, program=None)
    # This model is ours, and no user's to have been pinned, signed or restricted.
    nobodys = replace(nobodys, model_pins="off", model_key=None, model_formats=MODEL_FORMATS)
    table = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
    target = [0, 0, 1, 1]
    logging.disable(logging.CRITICAL)
    try:
        for data in (table, table.to_numpy()):
            with tempfile.TemporaryDirectory() as folder:
                model = make_pipeline(StandardScaler(), LogisticRegression()).fit(data, target)
                joblib.dump(model, Path(folder) / "model.joblib")
                save_signature(model, data, target, model_dir=folder)
                pipeline = load_pipeline(Path(folder), nobodys)
            for body, content_type in BODIES:
                for _, accept in BODIES:
                    pipeline.invoke(Request(body, content_type, accept))
    finally:
        logging.disable(logging.NOTSET)


def settle() -> None:
    """Keep hosts from un-sharing what is here by looking for garbage in it.

    What imports have freed is given back: every fork would take its pages along.
    """
    gc.collect()
    give_back()
    gc.freeze()
