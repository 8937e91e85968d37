"""What scikit-learn itself recorded in a fitted model: a signature where no file holds one.

Read by the attributes' names alone, so that this needs no scikit-learn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from contract.columns import Column, column_of_categories, flat, plain
from contract.signature import Signature


def signature_of(model: object) -> Signature | None:
    """The names or the number of a model's inputs, and which of them are text.

    Returns:
        The signature, or None if nothing was recorded.
    """
    names = getattr(model, "feature_names_in_", None)
    width = getattr(model, "n_features_in_", None)
    classes = tuple(plain(label) for label in flat(getattr(model, "classes_", ())))
    if names is not None:
        given = [str(name) for name in names]
        return Signature(_columns(_first_step(model), given), "table", classes=classes)
    if width is not None:
        inputs = _columns(_first_step(model), [None] * int(width))
        return Signature(inputs, "array", classes=classes)
    if hasattr(_first_step(model), "build_analyzer"):  # a vectorizer of texts
        return Signature((Column(None, "string"),), "vector", classes=classes)
    return None


def _first_step(model: Any) -> Any:
    """What a model's data meets first, inside searches and pipelines."""
    while True:
        if hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif getattr(model, "steps", None):
            model = model.steps[0][1]
        else:
            return model


def _columns(step: Any, names: Sequence[str | None]) -> tuple[Column, ...]:
    """The columns; of those that were fitted as text, without which `113` alone would be read as a
    number, what is known of them.
    """
    found = dict(_known_columns(step, names))
    return tuple(found.get(at, Column(name)) for at, name in enumerate(names))


def _known_columns(step: Any, names: Sequence[str | None]) -> Iterator[tuple[int, Column]]:
    if hasattr(step, "categories_"):
        yield from _of_categories(step.categories_, range(len(names)), names)
    for _, transformer, columns in getattr(step, "transformers_", ()):
        places = _places(columns, names)
        if hasattr(_first_step(transformer), "build_analyzer"):
            yield from ((at, Column(names[at], "string")) for at in places)
        for encoder in [part for _, part in getattr(transformer, "steps", ())] or [transformer]:
            if len(getattr(encoder, "categories_", ())) == len(places):
                yield from _of_categories(encoder.categories_, places, names)


def _of_categories(
    categories: Sequence[Any], places: Sequence[int], names: Sequence[str | None]
) -> Iterator[tuple[int, Column]]:
    for at, values in zip(places, categories, strict=False):
        column = column_of_categories(names[at], values)
        if column.kind != "any" or column.missing:
            yield at, column


def _places(columns: Any, names: Sequence[str | None]) -> list[int]:
    """Where the columns of one part of a column transformer are; none for a form not known here."""
    everywhere = list(range(len(names)))
    if isinstance(columns, str):
        columns = [columns]
    if isinstance(columns, slice):
        return everywhere[columns] if isinstance(columns.start, int | None) else []
    found = np.asarray(columns)
    if found.dtype == np.bool_:
        return [at for at, chosen in zip(everywhere, found, strict=False) if chosen]
    if found.dtype.kind in "iu":
        return [everywhere[at] for at in np.atleast_1d(found)]
    return [names.index(str(name)) for name in found.tolist() if str(name) in names]
