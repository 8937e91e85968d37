"""What is known of the columns of a body: the model's own, by name or by position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from contract.columns import Column
from contract.csv_number_or_missing import MISSING
from contract.dates_as_names import one_writing
from contract.signature import Signature

UNKNOWN = Column(None)
# In a text of words none of them stands for a missing value.
_WORDS = tuple(sorted(MISSING - {""}))


def expected_columns(
    names: Sequence[str] | None, width: int, signature: Signature | None
) -> list[Column]:
    """A column for each of a body's; one of which nothing is known where the model has none such.

    Args:
        names: the body's names; None where its columns have none.
        width: how many columns it has.
        signature: what the model takes; None if nothing is known of it.
    """
    if signature is None:
        return [UNKNOWN] * width
    if signature.fitted_on == "vector" and signature.inputs[0].kind == "string":
        return [replace(signature.inputs[0], words=_WORDS)] * width
    if names is not None and signature.names:
        by_name = {str(column.name): column for column in signature.inputs}
        if not by_name.keys() >= set(names):
            by_name = {one_writing(name): column for name, column in by_name.items()} | by_name
        return [by_name.get(name) or by_name.get(one_writing(name), UNKNOWN) for name in names]
    if len(signature.inputs) != width:
        return [UNKNOWN] * width  # conform will say what is wrong with the width.
    return list(signature.inputs)


def may_have_any_shape(signature: Signature | None) -> bool:
    """Whether nothing is known for sure of what a model takes, so that it may be arrays of more
    dimensions than a table has.
    """
    if signature is None or not signature.describes_inputs:
        return True
    return signature.believed and signature.names is None


def holds_any_number(signature: Signature | None) -> bool:
    """Whether the model is known to take whole numbers of any size."""
    return signature is not None and signature.is_unbounded
