"""What pandas would read from CSV without a word and otherwise than it is written.

Requests that hold the same are refused; a job can be told what is meant by a schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

from contract.csv_number_or_missing import has_leading_zero
from training_entry.channels.channel_error import ChannelError
from training_entry.channels.declared_schema import Schema
from training_entry.hyperparameters.secret_names import MASK, is_secret

if TYPE_CHECKING:
    from pandas import DataFrame

SEPARATORS = {";": "semicolons", "\t": "tabs"}
# A whole number with a zero in front, alone between commas.
LEADING_ZERO = re.compile(r'(?:^|,)[ ]*"?[-+]?0\d+"?[ ]*(?=,|\r|\n|$)', re.MULTILINE)
WHOLE = re.compile(r"[-+]?\d+")
EXACT_BITS = 53
CHUNK = 1 << 20

Records = Iterable[tuple[int, int, list[str]]]


def check_separator(name: str, sample: Sequence[list[str]]) -> None:
    """Refuse a file whose cells stand between something else than commas.

    Args:
        name: the file's.
        sample: its first records, taken apart at commas.

    Raises:
        ChannelError: each has equally many of another separator.
    """
    for separator, called in SEPARATORS.items():
        counts = {sum(cell.count(separator) for cell in record) for record in sample}
        if len(counts) == 1 and 0 not in counts:
            raise ChannelError(
                f"{name}, line 1: the cells stand between {called}: CSV has commas, and a point in "
                "numbers (pandas: read_csv(file, sep=…, decimal=…).to_csv(file, index=False))"
            )


def doubtful_columns(frame: DataFrame, schema: Schema | None) -> tuple[set[int], set[int]]:
    """The positions of columns whose numbers may be written otherwise than they were read.

    Returns:
        Those in which a zero in front would be lost; and those whose floats are so large that they
        may stand for other whole numbers.
    """
    undeclared, rounded = set(), set()
    for position, (name, dtype) in enumerate(zip(frame.columns, frame.dtypes, strict=True)):
        if getattr(dtype, "kind", "O") not in "iuf":
            continue
        if schema is None or schema.get(name) == "any":
            undeclared.add(position)
        values = frame.iloc[:, position]
        if dtype.kind == "f" and bool((values.abs() >= 2.0**EXACT_BITS).any()):
            rounded.add(position)
    return undeclared, rounded


def may_hold_leading_zero(stream: IO[str]) -> bool:
    """Whether a text may hold a whole number with a zero in front."""
    rest = ""
    while chunk := stream.read(CHUNK):
        text = rest + chunk
        end = text.rfind("\n") + 1
        if LEADING_ZERO.search(text, 0, end):
            return True
        rest = text[end:]
    return bool(LEADING_ZERO.search(rest))


def check_values(
    name: str, records: Records, columns: Sequence[Any], undeclared: set[int], rounded: set[int]
) -> None:
    """Refuse the first value that was read otherwise than it is written.

    Args:
        name: the file's.
        records: its rows, with their first and last lines.
        columns: the names of its columns.
        undeclared, rounded: as `doubtful_columns` gives them.

    Raises:
        ChannelError: names the line, the column and what to pass.
    """
    for line, position, text, doubt in _doubts(records, undeclared, rounded):
        column = columns[position]
        shown = MASK if is_secret(str(column)) else text
        raise ChannelError(
            f"{name}, line {line}: column {column} holds {shown}: {doubt} by a schema, such as "
            f'{{"{column}": "string"}} with all columns in it'
        )


def _doubts(
    records: Records, undeclared: set[int], rounded: set[int]
) -> Iterator[tuple[int, int, str, str]]:
    for line, _, record in records:
        for position in undeclared | rounded:
            text = record[position].strip() if position < len(record) else ""
            if position in undeclared and has_leading_zero(text):
                yield line, position, text, "a number, or a text? Say which"
            elif position in rounded and WHOLE.fullmatch(text) and int(float(text)) != int(text):
                yield line, position, text, "a float would change it; have it read as text"
