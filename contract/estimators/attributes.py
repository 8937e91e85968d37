"""Reading a fitted estimator's attributes, whatever its class does when it is asked."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

logger = logging.getLogger(__name__)

# More columns than this are taken for an error of whoever wrote the attribute.
MOST_COLUMNS = 10_000_000


def attribute(thing: object, name: str, default: Any = None) -> Any:
    """An attribute; the default where there is none, or where reading it fails, which is logged."""
    try:
        return getattr(thing, name, default)
    except Exception as error:  # a property of anybody's may raise anything
        if "NotFitted" not in type(error).__name__:
            logger.warning(
                "%s of a %s can't be read (%s: %s), and is passed over",
                name,
                type(thing).__qualname__,
                type(error).__name__,
                error,
            )
        return default


def names_in(thing: object, name: str = "feature_names_in_") -> tuple[str, ...] | None:
    """The names of the columns that an estimator was fitted on; None if it has none such."""
    found = attribute(thing, name)
    if not isinstance(found, list | tuple | np.ndarray) or not len(found):
        return None
    names = list(found)
    return tuple(map(str, names)) if all(isinstance(each, str) for each in names) else None


def width_of(thing: object) -> int | None:
    """The number of columns that an estimator was fitted on; None if it says nothing plausible.

    None is not believed of anything: no estimator takes no columns, though catboost says so of a
    model that comes out of a pickle.
    """
    found = attribute(thing, "n_features_in_")
    if isinstance(found, bool) or not isinstance(found, int | np.integer):
        return None
    return int(found) if 0 < found <= MOST_COLUMNS else None


def listed(thing: object, name: str) -> Sequence[Any]:
    """An attribute that is a list; an empty one in the place of anything else."""
    found = attribute(thing, name)
    if isinstance(found, np.ndarray):
        return found.ravel().tolist() if found.dtype == object else []
    return found if isinstance(found, list | tuple) else []
