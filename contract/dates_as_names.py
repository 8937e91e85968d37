"""Columns that are called by dates or spans of time, which each program writes in its own way."""

from __future__ import annotations

import re

import numpy as np

_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?Z?)?")
_DAYS = re.compile(r"(-?\d+ days)(?: 00:00:00(?:\.0+)?)?")
# Milliseconds since 1970, as pandas writes such names in JSON, of years from 1973 to 2286.
_MILLISECONDS = re.compile(r"\d{12,13}")


def one_writing(name: str) -> str:
    """A name in the one way that is compared: a date as pandas writes it in CSV.

    2024-05-17 00:00:00, 2024-05-17T00:00:00.000 and 1715904000000 are 2024-05-17; every other name
    is itself. What is no date of a model's is compared as it is written, too, since both are
    written anew.
    """
    if _MILLISECONDS.fullmatch(name):
        name = str(np.datetime64(int(name), "ms"))
    if found := _DATE.fullmatch(name):
        date, time, fraction = found.groups()
        fraction = (fraction or "").rstrip("0")
        parts = [date] if time in (None, "00:00:00") and not fraction else [date, time]
        return " ".join(parts) + (f".{fraction}" if fraction else "")
    if found := _DAYS.fullmatch(name):
        return found[1]
    return name
