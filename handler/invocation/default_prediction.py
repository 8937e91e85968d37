"""The default ``predict_fn`` of a model."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from contract.errors import UserCodeError
from contract.estimators.class_names import class_name
from handler.invocation.fast.shortcut import shortcuts_to


def predictor_of(model: Any, *, fast: bool = True) -> Callable[[Any], Any]:
    """The default ``predict_fn`` for one model: ``model.predict``, or what gives the same faster;
    else ``model.transform``.

    Args:
        model: the model.
        fast: whether a shorter way than its own may be taken.

    Raises:
        UserCodeError: the model has neither method.
    """
    if class_name(type(model)) == "xgboost.core.Booster":
        return partial(_predict_by_xgboost, model)
    shortcuts = shortcuts_to(model) if fast else {}
    for name in ("predict", "transform"):
        method = shortcuts.get(name) or getattr(model, name, None)
        if callable(method):
            return method
    raise UserCodeError(
        f"a {type(model).__name__} has neither predict nor transform: write a predict_fn"
    )


def _predict_by_xgboost(booster: Any, data: Any) -> Any:
    """What a bare booster predicts: it takes nothing but a matrix of its own kind."""
    names, types = booster.feature_names, booster.feature_types
    if hasattr(data, "columns"):
        names = types = None  # it brings them along
    matrix = sys.modules["xgboost"].DMatrix(
        data, feature_names=names, feature_types=types, enable_categorical=True
    )
    return booster.predict(matrix)
