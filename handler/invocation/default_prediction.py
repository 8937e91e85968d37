"""The default ``predict_fn`` of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from contract.errors import UserCodeError
from contract.inference_output import asks_for_probabilities
from contract.signature import Signature
from handler.invocation.class_output import ClassOutput, classes_of
from handler.invocation.fast.shortcut import Shortcut, shortcuts_to
from handler.invocation.native_boosters import predictor_of_booster


def predictor_of(
    model: Any, *, fast: bool = True, words: Sequence[str] = (), signature: Signature | None = None
) -> Callable[[Any], Any]:
    """The default ``predict_fn`` for one model: ``model.predict``, or what gives the same faster;
    else ``model.transform``. Where probabilities are asked for, those of ``model.predict_proba``.

    Args:
        model: the model.
        fast: whether a shorter way than its own may be taken.
        words: what it is to answer, by the words of ``SAGEMAKER_INFERENCE_OUTPUT``.
        signature: holds the labels of a classifier that keeps none.

    Raises:
        UserCodeError: the model has neither method.
    """
    if asks_for_probabilities(words):
        shortcuts = shortcuts_to(model) if fast else {}
        return _of_classes(model, shortcuts, words, classes_of(model, signature))
    booster = predictor_of_booster(model, fast=fast)
    if booster is not None:
        return booster
    shortcuts = shortcuts_to(model) if fast else {}
    for name in ("predict", "transform"):
        method = shortcuts.get(name) or getattr(model, name, None)
        if callable(method):
            return method
    raise UserCodeError(
        f"a {type(model).__name__} has neither predict nor transform: write a predict_fn"
    )


def _of_classes(
    model: Any, shortcuts: Mapping[str, Shortcut], words: Sequence[str], classes: Sequence[Any]
) -> ClassOutput:
    labels, figures = (
        shortcuts.get(name) or getattr(model, name) for name in ("predict", "predict_proba")
    )
    takes_columns = isinstance(labels, Shortcut) and isinstance(figures, Shortcut)
    return ClassOutput(words, classes, labels, figures, takes_columns=takes_columns)
