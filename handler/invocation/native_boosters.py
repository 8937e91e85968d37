"""How bare boosters of xgboost and lightgbm are asked, which their classes do otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from contract.estimators.class_names import class_name

# Few rows are predicted by one thread: several wait for each other for longer than one takes.
FEW_ROWS = 256
# How many answers are compared before numbers are believed to need no matrix.
TRIALS = 8


def predictor_of_booster(model: Any, *, fast: bool) -> Callable[[Any], Any] | None:
    """What predicts with a bare booster; None for what is none.

    Args:
        model: the model.
        fast: whether a shorter way may be taken.
    """
    asked = _ASKED.get(class_name(type(model)))
    return asked(model, fast) if asked else None


class _Xgboost:
    """A booster of xgboost takes a matrix of its own kind, or numbers as they lie.

    The latter takes two thirds of the time, for one row. It gives the same, which is seen by
    comparing the first answers; a linear booster refuses, and categories have no numbers.
    """

    def __init__(self, booster: Any, fast: bool) -> None:
        self._booster = booster
        self._trials = TRIALS
        self._takes_numbers = fast and "c" not in (booster.feature_types or ())

    def __call__(self, data: Any) -> Any:
        if not self._takes_numbers or type(data) is not np.ndarray or data.dtype.kind != "f":
            return self._by_matrix(data)
        if not self._trials:
            return self._by_numbers(data)
        answer = self._by_matrix(data)
        self._trials -= 1
        self._takes_numbers = self._gives_the_same(data, answer)
        return answer

    def _gives_the_same(self, data: Any, answer: Any) -> bool:
        try:
            found = self._by_numbers(data)
        except Exception:  # xgboost's own
            return False
        return bool(
            found.dtype == answer.dtype
            and found.shape == answer.shape
            and found.tobytes() == answer.tobytes()
        )

    def _by_numbers(self, data: Any) -> Any:
        return self._booster.inplace_predict(data, validate_features=False)

    def _by_matrix(self, data: Any) -> Any:
        names, types = self._booster.feature_names, self._booster.feature_types
        if hasattr(data, "columns"):
            names = types = None  # it brings them along
        matrix = sys.modules["xgboost"].DMatrix(
            data, feature_names=names, feature_types=types, enable_categorical=True
        )
        return self._booster.predict(matrix)


class _Lightgbm:
    """A booster of lightgbm, told for each call how many threads it may use."""

    def __init__(self, booster: Any, fast: bool) -> None:
        self._booster = booster
        self._fast = fast

    def __call__(self, data: Any) -> Any:
        rows = getattr(data, "shape", (np.inf,))[0]
        threads = {"num_threads": 1} if self._fast and rows <= FEW_ROWS else {}
        return self._booster.predict(data, **threads)


_ASKED: dict[str, Callable[[Any, bool], Callable[[Any], Any]]] = {
    "xgboost.core.Booster": _Xgboost,
    "lightgbm.basic.Booster": _Lightgbm,
}
