"""Rows that a model ought to answer: to tell a bad request from a model that answers nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from contract.columns import Column
from contract.errors import InvocationError
from contract.signature import Signature
from handler.invocation.model_input import conform

_MADE_UP = (1.0, 0.0)


def examples_for(signature: Signature | None) -> Iterator[Any]:
    """What a model is to be given for its example, or for rows made up where they can be."""
    if signature is None or not signature.inputs:
        return
    rows: list[tuple[Any, ...]] = [signature.example] if signature.example else []
    for number in () if rows else _MADE_UP:
        rows.append(tuple(_value_of(column, number) for column in signature.inputs))
    for row in rows:
        try:
            yield conform(_as_request(row), signature)
        except (InvocationError, ValueError, TypeError):
            continue


def _value_of(column: Column, number: float) -> Any:
    """A value for a column: one that the model holds itself, where it does."""
    if column.sample is not None:
        return column.sample
    if column.categories:
        return column.categories[0]
    return "text" if column.kind == "string" else number


def _as_request(row: tuple[Any, ...]) -> Any:
    """A row as it is decoded: a missing value is NaN."""
    values = [np.nan if value is None else value for value in row]
    if all(type(value) in (int, float) for value in values):
        return np.array([values], dtype=np.float64)
    return pd.DataFrame({at: pd.Series([value]) for at, value in enumerate(values)})
