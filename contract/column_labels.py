"""What a data frame's columns are called: their labels, as they are and as text.

A request calls columns by text. In training a label may have been a number, a date or a pair, and
the model may ask for it as such.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np

from contract.missing_values import is_missing


class OneLabel(tuple[Any, ...]):
    """A tuple that is one label of a plain index, not the labels of several levels."""


def names_of_labels(labels: Sequence[Any]) -> list[str | None]:
    """What a request calls columns: nothing, where they are only counted or can't be told apart."""
    counted = all(type(label) is not bool for label in labels) and labels == list(
        range(len(labels))
    )
    names = [_text_of(label) for label in labels]
    if counted or len(set(names)) < len(names) or any(is_missing(label) for label in labels):
        return [None] * len(labels)
    return list(names)


def _text_of(label: Any) -> str:
    """A label as pandas writes it above a column."""
    if isinstance(label, np.datetime64):
        label = label.item()
    return str(label)


def other_label(label: Any, name: str | None) -> Any:
    """A label that is not what the column is called; None for one that no file can hold."""
    if hasattr(label, "item") and not isinstance(label, np.datetime64):
        label = label.item()
    if isinstance(label, tuple):
        parts = type(label)(other_label(part, None) for part in label)
        return None if any(part is None for part in parts) else parts
    if isinstance(label, datetime.datetime) and label.tzinfo is None:
        label = np.datetime64(label.isoformat())
    if label == name or not isinstance(label, bool | int | float | str | np.datetime64):
        return None
    return label


def label_to_json(label: Any) -> Any:
    """A label as a file holds it."""
    if isinstance(label, tuple):
        what = "one" if isinstance(label, OneLabel) else "several"
        return {what: [label_to_json(part) for part in label]}
    return {"date": str(label)} if isinstance(label, np.datetime64) else label


def label_from_json(member: Any) -> Any:
    """A label as a file holds it, back again.

    Raises:
        ValueError: it is none.
    """
    if isinstance(member, dict):
        if "several" in member:
            return tuple(label_from_json(part) for part in member["several"])
        if "one" in member:
            return OneLabel(label_from_json(part) for part in member["one"])
        return np.datetime64(member["date"])
    if member is not None and not isinstance(member, bool | int | float | str):
        raise ValueError(f"{member!r} is no label of a column")
    return member
