"""The default ``predict_fn`` of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contract.errors import UserCodeError
from handler.invocation.fast.shortcut import shortcut_to


def predictor_of(model: Any) -> Callable[[Any], Any]:
    """The default ``predict_fn`` for one model: ``model.predict``, or what gives the same faster;
    else ``model.transform``.

    Raises:
        UserCodeError: the model has neither method.
    """
    if shortcut := shortcut_to(model):
        return shortcut
    for name in ("predict", "transform"):
        method = getattr(model, name, None)
        if callable(method):
            return method  # type: ignore[no-any-return]
    raise UserCodeError(
        f"a {type(model).__name__} has neither predict nor transform: write a predict_fn"
    )
