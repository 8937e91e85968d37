"""Dates and spans of time as requests write them, in the zone and the unit that training had.

A date is ISO 8601 text, a value of a format that has dates, or a number: milliseconds since 1970 in
UTC, as pandas and JavaScript write them. What has an offset is a moment, and is shown by the clock
of the column's zone; for a column without one, by UTC's. What has no offset is read on the column's
own clock.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from contract.errors import UnprocessablePayload
from handler.codecs.charset import quote

Label = str | int

_DATES = (datetime.date, np.datetime64)
_NO_SPAN = np.timedelta64("NaT", "ns")
_SPANS = (datetime.timedelta, np.timedelta64)
# Z, or hours and perhaps minutes, behind a time of day.
_OFFSET = re.compile(r"[T ].*(?:[Zz]|[+-]\d\d(?::?\d\d)?)\s*$")
_NUMBER = re.compile(r"\s*[+-]?\d+(?:\.\d+)?\s*")
# Digits that are a date of ISO 8601: a year, a month or a day.
_ISO_DIGITS = re.compile(r"\s*\d{4}(?:\d\d(?:\d\d)?)?\s*")
# What pandas takes for the time at which it reads.
_CLOCK = frozenset({"now", "today"})
# Milliseconds up to the year 2286: more are of a smaller unit, or digits run together.
_MOST = 1e13
_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
# Characters of a date or a span of time at most, blanks around it included.
_LONGEST = 100
_DATE = "a date such as 2024-05-17T12:00:00"
_SPAN = "a span of time such as 1 days 02:00:00, or a number of milliseconds"


def read_dates(values: Any, dtype: str, label: Label) -> Any:
    """A column of dates in the type that it had in training.

    Args:
        values: text, numbers, dates or missing values, of shape (rows,).
        dtype: training's numpy or pandas type; microseconds without a zone if it is none of dates.
        label: the column's name, or its position counted from 1.

    Raises:
        UnprocessablePayload: a value is no date, or has no place in that type; names row and
            column.
    """
    zone = _zone_of(dtype)
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        walls, moments = pd.DatetimeIndex(_known_unit(values)), None
        is_moment = np.zeros(len(values), dtype=np.bool_)
    else:
        objects = _objects(values, label, _DATE)
        is_moment = np.array([_is_moment(value) for value in objects], dtype=np.bool_)
        moments = _parse(objects, label)
        walls = moments.tz_localize(None)
    read = walls
    if zone is not None:
        read = _localized(walls, is_moment, zone, label)
        if moments is not None and is_moment.any():
            read = read.where(~is_moment, moments.tz_convert(zone))
    return _in_type(read, dtype, label)


def read_spans(values: Any, dtype: str, label: Label) -> Any:
    """A column of spans of time in the type that it had in training; as `read_dates`."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "m":
        return _in_type(pd.TimedeltaIndex(_known_unit(values)), dtype, label)
    objects = _objects(values, label, _SPAN)
    read = np.full(len(objects), _NO_SPAN)
    for row, value in enumerate(objects):
        if not pd.isna(value):
            read[row] = _span(value, row, label)
    return _in_type(pd.TimedeltaIndex(read), dtype, label)


def _span(value: Any, row: int, label: Label) -> np.timedelta64:
    try:
        if isinstance(value, str) and not _NUMBER.fullmatch(value):
            return _NO_SPAN if value == "NaT" else _parsed_span(value)
        if isinstance(value, _SPANS):
            return pd.Timedelta(value).to_timedelta64()
        if isinstance(value, str | int | float | np.number) and not isinstance(value, bool):
            return pd.Timedelta(float(value), unit="ms").to_timedelta64()
    except (ValueError, OverflowError):
        pass
    raise _wrong(value, _SPAN, row, label)


def _parsed_span(text: str) -> np.timedelta64:
    """The span that a text says.

    Raises:
        ValueError: it says none; other words that pandas takes for a missing one are none, too.
    """
    span: Any = pd.Timedelta(text)
    if span is pd.NaT:
        raise ValueError(text)
    found: np.timedelta64 = span.to_timedelta64()
    return found


def _objects(values: Any, label: Label, right: str) -> np.ndarray[Any, Any]:
    """The values as Python's objects, None for what is missing.

    Raises:
        UnprocessablePayload: one of them is longer than any date.
    """
    objects = np.empty(len(values), dtype=object)
    objects[:] = [None if pd.isna(value) else value for value in np.asarray(values, dtype=object)]
    for row, value in enumerate(objects):
        if isinstance(value, str) and len(value) > _LONGEST:
            raise _wrong(value, right, row, label)
    return objects


def _known_unit(values: np.ndarray[Any, Any]) -> Any:
    """Numpy's days and hours as seconds, the largest unit that pandas knows.

    Raises:
        OverflowError: one of them has no place among seconds; numpy would make another of it.
    """
    unit = np.datetime_data(values.dtype)[0]
    if unit in _UNITS:
        return values
    made = values.astype(f"{values.dtype.kind}8[s]")
    if ((made.astype(values.dtype) != values) & ~np.isnat(values)).any():
        raise OverflowError
    return made


def _is_moment(value: Any) -> bool:
    """Whether a value says a moment, by an offset or as a number, and not what a clock shows."""
    if isinstance(value, str):
        return bool(_OFFSET.search(value)) or not _is_iso_digits(value)
    if isinstance(value, datetime.datetime):
        return value.tzinfo is not None
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _is_iso_digits(text: str) -> bool:
    """Whether a text is no number of milliseconds: 2024 and 20240517 are dates of ISO 8601."""
    return not _NUMBER.fullmatch(text) or _ISO_DIGITS.fullmatch(text) is not None


def _parse(objects: np.ndarray[Any, Any], label: Label) -> Any:
    """The values as moments; what has no offset is taken to be UTC's.

    Raises:
        UnprocessablePayload: a value is no date.
    """
    plain = [_readable(value, row, label) for row, value in enumerate(objects)]
    try:
        read = pd.to_datetime(pd.Series(plain, dtype=object), utc=True, format="ISO8601")
    except (ValueError, OverflowError):  # pandas' OutOfBoundsDatetime is a ValueError.
        row = next(row for row, value in enumerate(plain) if not _is_readable(value))
        raise _wrong(objects[row], _DATE, row, label) from None
    return pd.DatetimeIndex(read)


def _is_readable(value: Any) -> bool:
    try:
        pd.to_datetime(value, utc=True, format="ISO8601")
    except (ValueError, OverflowError):
        return False
    return True


def _readable(value: Any, row: int, label: Label) -> Any:
    """A value as pandas reads it: numbers as the moments that they mean."""
    if value is None:
        return None
    if isinstance(value, str) and _is_iso_digits(value):
        if value.strip().casefold() in _CLOCK:
            raise _wrong(value, _DATE, row, label)
        return value
    if isinstance(value, str | int | float | np.number) and not isinstance(value, bool):
        milliseconds = float(value)
        if not abs(milliseconds) < _MOST or _is_another_count(milliseconds):
            what = f"{_DATE}, or milliseconds since 1970, which {quote(value)} does not seem to be"
            raise _refused(f" must be {what}", row, label)
        return pd.Timestamp(milliseconds, unit="ms", tz="UTC")
    if isinstance(value, _DATES):
        return value if isinstance(value, datetime.datetime) else pd.Timestamp(value)
    raise _wrong(value, _DATE, row, label)


def _is_another_count(number: float) -> bool:
    """Whether a number is seconds since 1970, or the digits of a day, such as 20240517."""
    if 1e9 <= number < 1e10:  # a moment of our time in seconds, of early 1970 in milliseconds
        return True
    digits = f"{number:.0f}"
    return (
        len(digits) == 8
        and "18" <= digits[:2] <= "21"
        and bool(1 <= int(digits[4:6]) <= 12 and 1 <= int(digits[6:]) <= 31)
    )


def _localized(walls: Any, is_moment: np.ndarray[Any, Any], zone: Any, label: Label) -> Any:
    """What a clock of a zone shows, as moments.

    Raises:
        UnprocessablePayload: the clock was put forward over that time, or shows it twice.
    """
    only = walls.where(~is_moment)
    read = only.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    lost = np.flatnonzero(read.isna() & ~only.isna())
    if len(lost):
        row = int(lost[0])
        what = f"a clock in {zone} shows {only[row]} twice or never; write it with its offset"
        raise _refused(f": {what}", row, label)
    return read


def _in_type(read: Any, dtype: str, label: Label) -> Any:
    """Values in training's unit.

    Raises:
        UnprocessablePayload: one of them is too early, too late or too fine for it.
    """
    unit = _unit_of(dtype) or read.unit
    try:
        made = read.as_unit(unit)
        changed = np.flatnonzero(np.asarray(made != read) & ~np.asarray(read.isna()))
    except (ValueError, OverflowError):
        changed, made = np.array([_first_beyond(read, unit)]), read
    _check_kept(changed, read, f"dates, which are counted in {_UNITS[unit]}", label)
    if dtype.endswith("[pyarrow]"):
        return pd.array(made, dtype=dtype)
    if getattr(made, "tz", None) is not None:
        return made.array
    return _in_days(made.to_numpy(copy=True), dtype, label)


def _in_days(read: Any, dtype: str, label: Label) -> Any:
    """Values in one of the larger units, which numpy alone has: minutes, hours, days, months.

    Raises:
        UnprocessablePayload: one of them is too fine for it.
    """
    if not re.fullmatch(r"(?:datetime64|timedelta64)\[[A-Za-z]+\]", dtype) or _unit_of(dtype):
        return read
    made = read.astype(dtype)
    changed = np.flatnonzero((made.astype(read.dtype) != read) & ~np.isnat(read))
    _check_kept(changed, read, dtype, label)
    return made


def _check_kept(changed: np.ndarray[Any, Any], read: Any, among: str, label: Label) -> None:
    """Refuse the first of the values that training's type would change.

    Raises:
        UnprocessablePayload: there is one.
    """
    if len(changed):
        row = int(changed[0])
        raise _refused(f": {read[row]} has no place among the model's {among}", row, label)


def _first_beyond(read: Any, unit: str) -> int:
    for row in range(len(read)):
        try:
            read[row : row + 1].as_unit(unit)
        except (ValueError, OverflowError):
            return row
    return 0


def _unit_of(dtype: str) -> str | None:
    """The unit of a type, of those that pandas has."""
    found = re.match(r"(?:datetime64|timedelta64|timestamp|duration)\[(s|ms|us|ns)\b", dtype)
    return found[1] if found else None


def _zone_of(dtype: str) -> Any:
    found = re.match(r"(?:datetime64|timestamp)\[\w+, (?:tz=)?([^\]]+)\]", dtype)
    return None if found is None else pd.DatetimeTZDtype("ns", found[1]).tz


def _wrong(value: Any, right: str, row: int, label: Label) -> UnprocessablePayload:
    return _refused(f" must be {right}, not {quote(value)}", row, label)


def _refused(why: str, row: int, label: Label) -> UnprocessablePayload:
    return UnprocessablePayload(
        f"row {row + 1}, column {quote(label)}{why}", row=row + 1, column=label
    )


def dates_of(categories: Sequence[Any], dtype: str) -> Any:
    """Categories that are dates or spans of time, as training had them."""
    values = np.empty(len(categories), dtype=object)
    values[:] = categories
    is_span = dtype.startswith(("timedelta64", "duration"))
    return read_spans(values, dtype, "") if is_span else read_dates(values, dtype, "")
