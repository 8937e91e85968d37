"""Whether a model failed since it asks for names where a request has none, or for positions.

It is for models of which nothing is known: others are given what they were fitted on. Such a model
works on what the very next request may hold, so that its caller has to be told how to write one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from contract.errors import UnprocessablePayload
from handler.codecs.charset import quote
from handler.processes.invocation_time_limit import DeadlineExceeded

_NO_NAMES = (
    "the model asks for columns by name, and the body has none: send a header (text/csv; "
    "header=present), records of JSON, or another form with names. save_signature in the training "
    "script makes it take rows without names, too"
)
_NAMES = (
    "the model asks for columns by position, as of an array, and the body has names: send rows "
    "without them, in CSV without a header (text/csv; header=absent), in JSON as lists"
)
# What numpy says to x["a"], and pandas to x[["a"]].
_OF_AN_ARRAY = "only integers, slices"
_OF_A_TABLE = ("not in index", "are in the [columns]", "not found in axis")


class _AskedForNames(Exception):
    """Rows without names were asked for a column by its name."""


class _Nameless(np.ndarray[Any, Any]):
    """Rows that tell when they, or a copy of them, are asked for a column by its name."""

    def __getitem__(self, key: Any) -> Any:
        names = key if isinstance(key, list) else [key]
        if self.ndim == 2 and names and all(isinstance(name, str) for name in names):
            raise _AskedForNames
        return super().__getitem__(key)


def names_at_fault(
    error: BaseException, data: Any, predict: Callable[[Any], Any]
) -> UnprocessablePayload | None:
    """The error that says what names a request should or should not have; None for another cause.

    Args:
        error: what the model raised.
        data: what it was given.
        predict: gives the model the same data once more.
    """
    if isinstance(data, np.ndarray):
        return UnprocessablePayload(_NO_NAMES) if _asks_for_names(error, data, predict) else None
    if not isinstance(data, pd.DataFrame) or not any(_is_like(one, data) for one in _asked(error)):
        return None
    if _asks_for_positions(error):
        return UnprocessablePayload(_NAMES)
    if isinstance(error, KeyError) and error.args and isinstance(error.args[0], str):
        key = error.args[0]
        if any(words in key for words in _OF_A_TABLE):
            return UnprocessablePayload(f"the model asks for columns that the body lacks: {key}")
        if key not in data.columns:
            return UnprocessablePayload(
                f"the model asks for column {quote(key)}, which the body lacks", column=key
            )
    return None


def _asks_for_names(
    error: BaseException, data: np.ndarray[Any, Any], predict: Callable[[Any], Any]
) -> bool:
    if isinstance(error, AttributeError):
        return _is_like(error.obj, data) and hasattr(pd.DataFrame, str(error.name))
    if isinstance(error, ValueError):  # scikit-learn's, of a step that chooses columns by name
        return "Specifying the columns using strings" in str(error)
    if not isinstance(error, IndexError) or not str(error).startswith(_OF_AN_ARRAY):
        return False
    try:  # An array of the model's own may have been asked as well.
        predict(data.view(_Nameless))
    except _AskedForNames:
        return True
    except (Exception, SystemExit, DeadlineExceeded):
        return False
    return False


def _asks_for_positions(error: BaseException) -> bool:
    if isinstance(error, AttributeError):
        return hasattr(np.ndarray, str(error.name))
    return isinstance(error, pd.errors.InvalidIndexError | TypeError) and "slice(" in str(error)


def _is_like(one: Any, data: Any) -> bool:
    """Whether something is the data, or a copy with the same columns."""
    if not isinstance(one, type(data)) or one.shape != data.shape:
        return False
    return isinstance(one, np.ndarray) or list(one.columns) == list(data.columns)


def _asked(error: BaseException) -> Iterator[Any]:
    """What methods were called of on the way to an error, and what lacks an attribute."""
    if isinstance(error, AttributeError):
        yield error.obj
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_locals.get("self")
        trace = trace.tb_next
