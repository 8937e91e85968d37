"""What the text of a CSV cell means, alike in a channel of training data and in a request."""

from __future__ import annotations

import re

# What pandas.read_csv takes for a missing value.
MISSING = frozenset(
    {
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND"),
        *("1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    }
)
# A number as much of Europe writes it: 1,5 or 1.234,5.
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d{1,3}(?:\.\d{3})*,\d+\s*|\s*[+-]?\d*,\d+\s*")
_LEADING_ZERO = re.compile(r"\s*[+-]?0\d+\s*")


def number(text: str) -> float:
    """The number that a cell holds, NaN if it is missing.

    Raises:
        ValueError: it holds anything else. What only Python takes for a number is text here.
    """
    if text in MISSING:
        return float("nan")
    if "_" in text or not text.isascii():
        raise ValueError(text)
    return float(text)


def is_number(text: str) -> bool:
    """Whether a cell holds a number; a missing one does not."""
    try:
        number(text)
    except ValueError:
        return False
    return text not in MISSING


def has_decimal_comma(text: str) -> bool:
    """Whether a cell holds a number with a comma for its point."""
    return _DECIMAL_COMMA.fullmatch(text) is not None


def has_leading_zero(text: str) -> bool:
    """Whether a cell is digits behind a zero, such as a postal code: a number, or a text."""
    return _LEADING_ZERO.fullmatch(text) is not None
