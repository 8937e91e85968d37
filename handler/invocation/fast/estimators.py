"""Which estimators are known, and what is asked of one while its short way is laid.

A maker takes a fitted estimator and gives, for each method that it has a short way for, a
function of the values. It raises LookupError, AttributeError or ValueError for an estimator that is
not known, not fitted or fitted in a way of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handler.invocation.fast.values import Compute

Methods = dict[str, Compute]
Maker = Callable[[Any, "Survey"], Methods]

METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform")
# What an instance may have of its own that changes what its class's methods give.
_OVERRIDES = {*METHODS, "score_samples", "__getstate__"}
# Whose classes may be at the end of a model.
LIBRARIES = ("sklearn.", "lightgbm.", "xgboost.")
# By the class's full name, as the library is not imported for models that don't use it.
_MAKERS: dict[str, Maker] = {}


class Survey:
    """One model being looked at, with all that it is made of.

    Args:
        parts: every estimator in it that its short way was derived from.
        notes: what was special about the values of the last call, as a set of bits: a missing
            value, an unknown category. What has not been compared with such is not believed.
    """

    MISSING = 1
    UNKNOWN = 2

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self.notes = 0

    def methods_of(self, estimator: Any) -> Methods:
        """The short ways of an estimator's methods.

        Raises:
            LookupError: there is none.
        """
        self.parts.append(estimator)
        return _MAKERS[class_of(estimator)](estimator, self)

    def transform_of(self, estimator: Any) -> Compute:
        return self.methods_of(estimator)["transform"]


def known(*names: str, library: str = "sklearn") -> Callable[[Maker], Maker]:
    """Declare a maker for classes of a library, named without the library's own name."""

    def declare(maker: Maker) -> Maker:
        for name in names:
            _MAKERS[f"{library}.{name}"] = maker
        return maker

    return declare


def class_of(estimator: Any) -> str:
    """The full name of an estimator's class; nothing if the instance differs from it."""
    own = getattr(estimator, "__dict__", {})
    if _OVERRIDES & own.keys() or set(own.get("_sklearn_output_config", {}).values()) - {"default"}:
        return ""
    kind = type(estimator)
    return f"{kind.__module__}.{kind.__qualname__}"
