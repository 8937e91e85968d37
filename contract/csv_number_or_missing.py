"""What a text means where a number, true or false may stand: in CSV, and as text of other formats.

One rule for channels of training data and for requests in every content type.
"""

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
_TRUTHS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
_LEADING_ZERO = re.compile(r"\s*[+-]?0\d+\s*")

# Whole numbers of more digits are as infinite as a float has them.
MOST_DIGITS = 4000


def number(text: str) -> float:
    """The number that a cell holds, NaN if it is missing.

    Raises:
        ValueError: it holds anything else.
    """
    return float("nan") if text in MISSING else written_number(text)


def written_number(text: str) -> float:
    """The number that a text is, as a cell of CSV or as text of JSON, NPY and the like.

    Raises:
        ValueError: it is none. What only Python takes for a number, such as 1_000, is text here.
    """
    if "_" in text or not text.isascii():
        raise ValueError(text)
    return float(text)


def exact_number(text: str) -> float | int:
    """The same, a whole number without a point as an int, which holds each of its digits.

    Raises:
        ValueError: it is no number.
    """
    value = written_number(text)
    digits = text.strip().lstrip("+-")
    # Python reads no whole number of more than 4300 digits, and no model has any use for one.
    return int(text) if digits.isdecimal() and len(digits) <= MOST_DIGITS else value


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


def written_truth(text: str) -> bool:
    """What a text says of a column that is known to hold true and false.

    Raises:
        ValueError: it says neither.
    """
    try:
        return _TRUTHS[text.strip().lower()]
    except KeyError:
        raise ValueError(text) from None
