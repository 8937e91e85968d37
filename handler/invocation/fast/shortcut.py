"""What scikit-learn's commonest models compute for a few rows, without the library's questions.

For one row, most of ``predict`` is questions: is this fitted, of which library is the array, how
many features does it have; they are asked at each step of a pipeline and at each tree of a forest,
with a data frame made for each step. What is left here is the arithmetic, the library's own and in
its order, on what it has fitted: the result is the same to the last bit. It is for estimators of
exactly the known classes and for plain values; everything else, errors too, is left to the
library. As another version of it may compute in another way, a model's first answers of each kind
are computed in both ways and compared.
"""

from __future__ import annotations

import functools
import importlib
import logging
import operator
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from contract.estimators.boosters import are_made_up, without_blanks
from handler.codecs.column_table import ColumnTable
from handler.invocation.fast.estimators import LIBRARIES, METHODS, Survey, class_of
from handler.invocation.fast.values import Array, Compute, Elsewhere, Table, Values, table_of

logger = logging.getLogger(__name__)

# For more rows than this the questions don't count, and the library may use its threads.
MOST_ROWS = 256
# How many answers of each kind are compared with the library's before it is asked no more.
TRIALS = 8
# How many calls may fail in the short way before it is given up.
MOST_FAILURES = 64
# What stacks note down anew at each call.
_NOTED = "_n_feature_outs"
# Each declares what it knows.
_FAMILIES = ("linear", "trees", "boosting", "scaling", "imputing", "encoding", "features",
             "composition", "ensembles", "kernels", "neighbors",
             "bayes_networks_clusters", "other_boosters")  # fmt: skip


class Shortcuts:
    """The short ways of one fitted estimator's methods, and what must stay as it is for them.

    Args:
        model: the estimator.

    Raises:
        Exception: there is no short way for it, or it isn't fitted, or not as is known here.
    """

    def __init__(self, model: Any) -> None:
        survey = Survey()
        self.model = model
        computes = survey.methods_of(model)
        self.survey = survey
        self.columns = getattr(model, "n_features_in_", None)
        names = getattr(model, "feature_names_in_", None)
        self.names = None if names is None or are_made_up(list(names)) else tuple(names)
        # As the library writes a column's name.
        self._written = without_blanks if class_of(model).startswith("lightgbm.") else _as_it_is
        self._labels: Any = None  # the last columns of a data frame that had these names
        self.asking = False  # whether the library is at work, which may ask its own methods
        self._config = _config()
        if self._config.get("transform_output", "default") != "default":
            raise LookupError
        self._state = [(vars(part), _kept(vars(part))) for part in survey.parts]
        self.methods = {
            name: Shortcut(self, getattr(model, name), compute)
            for name, compute in computes.items()
            if hasattr(model, name)
        }

    def is_unchanged(self) -> bool:
        """Whether the estimator is what it was when it was looked at."""
        for now, then in self._state:
            values = _kept(now) if _NOTED in now else now.values()
            if len(values) != len(then) or not all(map(operator.is_, values, then)):
                return False
        return True

    def is_configured(self) -> bool:
        """Whether the library's settings are what they were."""
        return _config() == self._config

    def put_in_place(self, name: str, value: Any) -> None:
        """Put something of ours among the estimator's own attributes."""
        own = vars(self.model)
        own[name] = value
        self._state = [(now, _kept(now) if now is own else then) for now, then in self._state]

    def values_of(self, data: Any) -> Values:
        """Plain values for the first step.

        Raises:
            Elsewhere: the data is of another kind, or of another number of rows or columns.
        """
        if self.names is not None:
            return self._table_of(data)
        if isinstance(data, pd.DataFrame | ColumnTable):
            return self._unnamed_table_of(data)
        if type(data) is not np.ndarray or data.ndim != 2 or data.dtype.kind not in "fi":
            raise Elsewhere
        rows, columns = data.shape
        if columns != self.columns or not 0 < rows <= MOST_ROWS:
            raise Elsewhere
        if 0 in data.strides:  # a row that stands for many has no order to be kept in memory
            raise Elsewhere
        return data

    def _unnamed_table_of(self, data: Any) -> Table:
        """A table whose columns are only numbered, as the model knows them by position."""
        labels = data.labels if isinstance(data, ColumnTable) else data.columns
        if not (isinstance(labels, pd.RangeIndex) and type(data) in (pd.DataFrame, ColumnTable)):
            raise Elsewhere
        if data.shape[1] != self.columns or not 0 < data.shape[0] <= MOST_ROWS:
            raise Elsewhere
        return table_of(data)

    def _table_of(self, data: Any) -> Table:
        if isinstance(data, ColumnTable):
            columns = data.labels
        elif type(data) is pd.DataFrame:
            columns = data.columns
        else:
            raise Elsewhere
        if columns is not self._labels:
            if tuple(map(self._written, columns)) != self.names:
                raise Elsewhere
            self._labels = columns
        if not 0 < data.shape[0] <= MOST_ROWS:
            raise Elsewhere
        return table_of(data)


class Shortcut:
    """One method of a fitted estimator, by the short way where that is sound.

    Args:
        shared: what is known of the estimator.
        method: the library's own method.
        compute: the short way.
    """

    batchable = True  # where the estimator is: nothing here makes rows matter to each other
    takes_columns = True  # a table without a data frame around it

    def __init__(self, shared: Shortcuts, method: Callable[..., Any], compute: Compute) -> None:
        functools.update_wrapper(self, method)
        self._shared = shared
        self._name = method.__name__
        self._predict = method
        self._compute: Compute | None = compute
        self._trials: dict[tuple[bool, int, str], int] = {}
        self._failures = 0

    @property
    def __self__(self) -> Any:
        """The estimator, as of a method."""
        return self._shared.model

    def __reduce__(self) -> tuple[Any, ...]:
        """What a pickle of it is made of: the library's own method of a copy of the estimator."""
        return getattr, (self._shared.model, self._name)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """What the method gives for each row, or the library's own error."""
        if len(arguments) != 1 or keywords or self._shared.asking:
            return self._asked(*arguments, **keywords)
        short = self._short(arguments[0])
        if short is None:
            return self._asked(*arguments)
        kind = self._kind_of(arguments[0])
        left = self._trials.get(kind, TRIALS)
        if not left:
            return short
        answer = self._asked(*arguments)
        if _is_same(short, answer):
            self._trials[kind] = left - 1
        else:
            self._give_up("this scikit-learn has a way of its own")
        return answer

    def put_in_place(self, name: str, value: Any) -> None:
        """Put something of ours among the estimator's own attributes."""
        self._shared.put_in_place(name, value)

    def _short(self, data: Any) -> Array | None:
        """The short way's result; None where it is not for this data, or this library."""
        if self._compute is None or not self._shared.is_configured():
            return None
        if not self._shared.is_unchanged():
            self._give_up("the model has changed since it was loaded")
            return None
        self._shared.survey.notes = 0
        try:
            found = self._compute(self._shared.values_of(data))
        except Elsewhere:
            return None
        except Exception:  # whatever it is, the library will say
            self._failures += 1
            if self._failures >= MOST_FAILURES:
                self._give_up("the short way fails")
            return None
        if type(found) is not np.ndarray:
            return None
        if self._name == "transform" and (found is data or not found.flags.owndata):
            # The library gives numbers of its own, which may be written to.
            return found.copy(order="K")
        return found

    def _kind_of(self, data: Any) -> tuple[bool, int, str]:
        """What is believed by itself: one row or several, with what was noted, of which type."""
        return data.shape[0] == 1, self._shared.survey.notes, str(getattr(data, "dtype", ""))

    def _asked(self, *arguments: Any, **keywords: Any) -> Any:
        self._shared.asking, before = True, self._shared.asking
        if arguments and isinstance(arguments[0], ColumnTable):
            arguments = (arguments[0].frame(), *arguments[1:])
        try:
            return self._predict(*arguments, **keywords)
        finally:
            self._shared.asking = before

    def _give_up(self, why: str) -> None:
        self._compute = None
        logger.info("%s: no shortcut is taken to %s", why, self._name)


def shortcuts_to(model: Any) -> dict[str, Shortcut]:
    """What gives a model's answers faster than its own methods, by their names."""
    if not class_of(model).startswith(LIBRARIES):
        return {}
    for family in _FAMILIES:
        importlib.import_module(f"handler.invocation.fast.{family}")
    try:
        return Shortcuts(model).methods
    except Exception:
        return {}  # the library will say what is wrong, if something is


def _as_it_is(name: Any) -> Any:
    return name


def _kept(attributes: dict[str, Any]) -> list[Any]:
    """The attributes that stay as they are while an estimator is only asked."""
    return [value for name, value in attributes.items() if name != _NOTED]


def _is_same(one: Array, other: Any) -> bool:
    if type(other) is not np.ndarray or other.dtype != one.dtype or other.shape != one.shape:
        return False
    if one.dtype == object:
        return bool(np.array_equal(one, other))
    return one.tobytes() == other.tobytes()


def _config() -> dict[str, Any]:
    """scikit-learn's own settings, of this thread."""
    module = sys.modules.get("sklearn._config")
    return dict(module._get_threadlocal_config()) if module else {}


__all__ = ["METHODS", "MOST_ROWS", "TRIALS", "Shortcut", "shortcuts_to"]
