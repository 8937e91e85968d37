"""The global configuration of scikit-learn that a model was fitted under, at the endpoint.

Where the signature keeps it, it is set before the model is loaded. Where it does not, a fitted
pipeline may show that its steps were given data frames by those before them, which plain arrays
can't replace: then its predictions are made under that configuration. What is left is named in the
log when a prediction fails for it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from contract.errors import InvocationError, ModelLoadError, PredictionFailed

logger = logging.getLogger(__name__)

FRAME_PACKAGES = ("pandas", "polars")
DATA_FRAMES = {"transform_output": "pandas"}
# Estimators hold estimators; so many of them are looked at.
MOST_OBJECTS = 500
_HINTS = (
    (
        re.compile(
            r"Specifying the columns using strings is only supported for"
            r"|'numpy\.ndarray' object has no attribute '(columns|i?loc|dtypes|assign|drop|rename"
            r"|select_dtypes|fillna|apply|with_columns|select|to_pandas|iterrows|items)'"
        ),
        "sklearn.set_config(transform_output=…)",
    ),
    (
        re.compile(r"metadata routing|enable_metadata_routing"),
        "sklearn.set_config(enable_metadata_routing=True)",
    ),
)


def restore(configuration: Mapping[str, Any]) -> None:
    """Set what a signature has kept; what can't be set is named in the log.

    It is this process's own, so a model that has a configuration never shares its host.

    Raises:
        ModelLoadError: steps are to give data frames of a package that is not installed.
    """
    if not configuration:
        return
    frames = configuration.get("transform_output")
    if frames in FRAME_PACKAGES and importlib.util.find_spec(frames) is None:
        raise ModelLoadError(
            f"the model was fitted under sklearn.set_config(transform_output={frames!r}), and "
            f"{frames} is not installed: name it in requirements.txt"
        )
    import sklearn

    for name, value in configuration.items():
        if name == "assume_finite":
            # It only spares training a check, and here the check guards against requests.
            logger.info("assume_finite=%r of the training is not set: values are checked", value)
            continue
        try:
            sklearn.set_config(**{name: value})
        except Exception as error:  # another version, or a package or variable that is missing
            logger.warning(
                "the model was fitted under sklearn.set_config(%s=%r), which can't be set here: %s",
                name,
                value,
                error,
            )
        else:
            logger.info("sklearn.set_config(%s=%r), as in training", name, value)


def assumed_for(model: Any) -> dict[str, Any]:
    """What a fitted model shows of the configuration that it was fitted under, and lacks now."""
    try:
        shown = any(_was_given_names(before, after) for before, after in _successive(model))
    except Exception as error:  # whatever a class of anybody's does when it is looked at
        logger.warning("%s can't be looked through: %s", type(model).__qualname__, error)
        return {}
    if not shown:
        return {}
    import sklearn

    if sklearn.get_config().get("transform_output") not in (None, "default"):
        return {}
    logger.warning(
        "steps of the model were fitted on data frames that other steps made: it is used under "
        "sklearn.set_config(transform_output='pandas'); save_signature keeps what training set"
    )
    return dict(DATA_FRAMES)


def under(configuration: Mapping[str, Any]) -> AbstractContextManager[None]:
    """A block under a configuration."""
    if not configuration:
        return contextlib.nullcontext()
    import sklearn

    return sklearn.config_context(**configuration)  # type: ignore[no-any-return]


def explained(error: BaseException, stage: str, data: Any) -> BaseException:
    """A failure that a missing configuration may explain, as one that no caller can do anything
    about, with its cause for the log; any other as it is.

    Args:
        error: what was raised.
        stage: the function it was raised in.
        data: what the model was given.
    """
    setting = None if isinstance(error, InvocationError) else hint_on(error, data)
    if setting is None:
        return error
    error.add_note(f"did training call {setting}? It is not set here: save_signature keeps it")
    problem = PredictionFailed(
        f"{stage} raised {type(error).__name__}, perhaps for a configuration of scikit-learn that "
        "training had set; the log has its traceback under this request id"
    )
    problem.__cause__ = error
    return problem


def hint_on(error: BaseException, data: Any) -> str | None:
    """The configuration whose lack may explain a failed prediction; None where none would.

    Args:
        error: what was raised.
        data: what the model was given.
    """
    if isinstance(error, ValueError) and not hasattr(data, "columns"):
        return None  # an array in place of a data frame is explanation enough
    text = str(error)
    return next((setting for pattern, setting in _HINTS if pattern.search(text)), None)


def _was_given_names(before: Any, after: Any) -> bool:
    """Whether a step was fitted on a data frame that only the configuration can have had the step
    before it make.
    """
    names = getattr(after, "feature_names_in_", None)
    kind = type(before)
    if names is None or not kind.__module__.startswith("sklearn."):
        return False
    if kind.__name__ == "FunctionTransformer" or getattr(before, "_sklearn_output_config", None):
        return False
    try:
        return list(before.get_feature_names_out()) == list(names)
    except Exception:  # it can't tell
        return False


def _successive(model: Any) -> Iterator[tuple[Any, Any]]:
    """Each two successive steps of the pipelines in a model."""
    seen: set[int] = set()
    waiting = [model]
    while waiting and len(seen) < MOST_OBJECTS:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, list | tuple):
            waiting += one[:MOST_OBJECTS]
        elif isinstance(one, dict):
            waiting += list(one.values())[:MOST_OBJECTS]
        elif hasattr(one, "get_params") and not isinstance(one, type):
            parts = [step for _, step in _steps(one) if step not in (None, "passthrough")]
            yield from itertools.pairwise(parts)
            waiting += vars(one).values() if hasattr(one, "__dict__") else ()


def _steps(estimator: Any) -> list[tuple[str, Any]]:
    steps = getattr(estimator, "steps", None)
    try:
        return [(name, step) for name, step in steps or ()]
    except (TypeError, ValueError):  # an attribute of that name that means another thing
        return []
