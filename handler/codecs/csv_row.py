"""The one row of plain numbers that most invocations are, read without detours."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from contract.signature import Signature

# Cells that hold nothing but what numbers are written with: no blanks, quotes or missing values.
_PLAIN_ROW = re.compile(rb"[0-9eE.+-]+(?:,[0-9eE.+-]+)*\r?\n?")
# The same without what may be a text in digits, or a whole number too large for a float.
_CELL = rb"[+-]?(?!0[0-9]|[0-9]{16})[0-9eE.+-]+"
_CERTAIN_ROW = re.compile(_CELL + rb"(?:," + _CELL + rb")*\r?\n?")
# Longer rows are rare, and read as fast by the way that all others take.
LONGEST = 4096


def read_plain_row(body: bytes, signature: Signature | None) -> np.ndarray[Any, Any] | None:
    """The row as an array of shape (1, columns), as reading it carefully would give it.

    A single row of numbers is never a header: there is nothing below it to tell it from.

    Args:
        body: the bytes, in UTF-8.
        signature: what the model takes; None if nothing is known of it.

    Returns:
        None for a body that is anything else, or that the model would not take as it is.
    """
    if signature is not None and signature.is_unbounded:
        return None  # of Python's own values each is of its own kind
    known = signature is not None and signature.plain_kind == "number"
    row = _PLAIN_ROW if known else _CERTAIN_ROW
    if len(body) > LONGEST or row.fullmatch(body) is None:
        return None
    try:
        values = np.array([list(map(float, body.split(b",")))])
    except ValueError:  # such as 1e or 1.2.3
        return None
    if signature is None:
        return values
    if signature.plain_kind is None or len(signature.inputs) != values.shape[1]:
        return None
    return values
