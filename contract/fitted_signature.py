"""What scikit-learn itself recorded in a fitted model: a signature where no file holds one.

Read by the attributes' names alone, so that this needs no scikit-learn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from contract.columns import Column, flat, plain
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
        texts = set(_text_columns(_first_step(model), [str(name) for name in names]))
        inputs = tuple(
            Column(str(name), "string" if str(name) in texts else "any") for name in names
        )
        return Signature(inputs, "table", classes=classes)
    if width is not None:
        return Signature((Column(None),) * int(width), "array", classes=classes)
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


def _text_columns(step: Any, names: Sequence[str]) -> Iterator[str]:
    """The columns that were fitted as text: without this, `113` alone would be read as a number."""
    if hasattr(step, "categories_"):
        yield from _of_categories(step.categories_, names)
    for _, transformer, columns in getattr(step, "transformers_", ()):
        given = _column_names(columns, names)
        if hasattr(_first_step(transformer), "build_analyzer"):
            yield from given
        for encoder in [part for _, part in getattr(transformer, "steps", ())] or [transformer]:
            if len(getattr(encoder, "categories_", ())) == len(given):
                yield from _of_categories(encoder.categories_, given)


def _of_categories(categories: Sequence[Any], names: Sequence[str]) -> Iterator[str]:
    for name, values in zip(names, categories, strict=False):
        present = [value for value in np.asarray(values).tolist() if value == value]
        if any(isinstance(value, str) for value in present):
            yield name


def _column_names(columns: Any, names: Sequence[str]) -> list[str]:
    """The columns of one part of a column transformer, by name; none for a form not known here."""
    if isinstance(columns, str):
        return [columns]
    if isinstance(columns, slice):
        return list(names[columns]) if isinstance(columns.start, int | None) else []
    found = np.asarray(columns)
    if found.dtype == np.bool_:
        return [name for name, chosen in zip(names, found, strict=False) if chosen]
    if found.dtype.kind in "iu":
        return [names[position] for position in np.atleast_1d(found)]
    return [str(name) for name in found.tolist()]
