"""The columns that a script declares for a channel: their names, and the kinds of their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from contract.columns import Kind, plain
from training_entry.channels.channel_error import ChannelError
from training_entry.hyperparameters.secret_names import MASK, is_secret

if TYPE_CHECKING:
    from pandas import DataFrame, Series

Schema = Mapping[str, Kind]
TRUTHS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
OFFSET = r"[T ].*(?:Z|[+-]\d\d(?::?\d\d)?)$"
# Kinds that are to be read as text, so that no reader takes 007 for 7.
READ_AS_TEXT = frozenset({"string", "boolean", "datetime", "duration"})


@dataclass(frozen=True)
class Table:
    """What one file holds.

    Args:
        name: the file, as messages have it.
        frame: its rows.
        place: where in the file a row is, counted from 0: ``line 7``, ``row 6``.
    """

    name: str
    frame: DataFrame
    place: Callable[[int], str]


def as_schema(schema: Mapping[str, Kind] | Sequence[str] | None) -> Schema | None:
    """A schema from names alone, or from names with kinds.

    Raises:
        ChannelError: a kind is unknown, a name occurs twice, or there is none.
    """
    if schema is None:
        return None
    if isinstance(schema, str) or not schema or len(set(schema)) < len(schema):
        raise ChannelError("a schema must name the columns, each once")
    if not isinstance(schema, Mapping):
        return dict.fromkeys(schema, "any")
    for name, kind in schema.items():
        if kind not in get_args(Kind):
            kinds = ", ".join(get_args(Kind))
            raise ChannelError(f"schema: {name} is declared as {kind!r}: use one of {kinds}")
    return schema


def conform(table: Table, schema: Schema) -> Table:
    """The table with the schema's columns, in its order and of its kinds.

    Raises:
        ChannelError: a column is missing or one too many, or a value is of another kind.
    """
    present = list(table.frame.columns)
    for name in schema:
        if name not in present:
            raise ChannelError(f"{table.name} lacks the column {name} of the schema")
    for name in present:
        if name not in schema:
            raise ChannelError(f"{table.name} has a column {name}, which the schema lacks")
    frame = table.frame[list(schema)].copy()
    for name, kind in schema.items():
        if kind != "any":
            frame[name] = _of_kind(table, name, frame[name], kind)
    return Table(table.name, frame, table.place)


def _of_kind(table: Table, name: str, values: Series[Any], kind: Kind) -> Series[Any]:
    converted = CONVERSIONS[kind](values)
    wrong = (converted.isna() & values.notna()).to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        shown = MASK if is_secret(name) else repr(plain(values.iloc[row]))
        raise ChannelError(
            f"{table.name}, {table.place(row)}: column {name} holds {shown}: "
            f"it must be {NAMES[kind]}"
        )
    return converted


def _to_number(values: Series[Any]) -> Series[Any]:
    import pandas as pd

    if pd.api.types.is_bool_dtype(values):
        return values.astype("int64")
    return pd.to_numeric(values, errors="coerce")


def _to_integer(values: Series[Any]) -> Series[Any]:
    numbers = _to_number(values)
    whole = numbers.where(numbers == numbers.round())
    return whole if whole.isna().any() else whole.astype("int64")


def _to_boolean(values: Series[Any]) -> Series[Any]:
    truths = values.map(lambda value: TRUTHS.get(str(value).strip().lower()), na_action="ignore")
    return truths.astype(object if truths.isna().any() else bool)


def _to_datetime(values: Series[Any]) -> Series[Any]:
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(values):
        return values
    # Offsets may differ from row to row: only in one time zone can they share a column.
    zoned = bool(values.dropna().astype(str).str.contains(OFFSET).any())
    return pd.to_datetime(values, errors="coerce", format="ISO8601", utc=zoned)


def _to_duration(values: Series[Any]) -> Series[Any]:
    import pandas as pd

    return pd.to_timedelta(values, errors="coerce")


def _to_string(values: Series[Any]) -> Series[Any]:
    return values.map(str, na_action="ignore")


CONVERSIONS: dict[str, Callable[[Series[Any]], Series[Any]]] = {
    "number": _to_number,
    "integer": _to_integer,
    "boolean": _to_boolean,
    "datetime": _to_datetime,
    "duration": _to_duration,
    "string": _to_string,
}
NAMES = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "datetime": "a date such as 2024-01-31",
    "duration": "a span of time such as 1 days 02:00:00",
    "string": "text",
}
