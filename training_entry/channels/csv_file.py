"""CSV: read by pandas, and where pandas stumbles or may have been lenient, looked at again.

pandas fills short rows with missing values and reads a file whose rows are all too long in its
own way. Both show: a short row lacks its last column, and the width is not the header's. Only
then is the file scanned for the row at fault, so that a sound file is read once.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Any

from contract.columns import Column
from contract.csv_header import column_names, is_index, judge_first_row
from contract.csv_number_or_missing import is_number
from training_entry.channels.channel_error import ChannelError
from training_entry.channels.csv_doubtful import (
    check_separator,
    check_values,
    doubtful_columns,
    may_hold_leading_zero,
)
from training_entry.channels.data_files import DataFile
from training_entry.channels.declared_schema import READ_AS_TEXT, Schema, Table

if TYPE_CHECKING:
    from pandas import DataFrame

# Records looked at to tell a header from a row.
SAMPLE = 21
UNCLOSED = re.compile(r"EOF inside string starting at row (\d+)")


def read_csv(file: DataFile, schema: Schema | None, header: bool | None) -> Table:
    """Read a file.

    Args:
        file: the file, UTF-8, with commas.
        schema: the declared columns, or None.
        header: whether the first line names the columns; None if it is to be found out.

    Raises:
        ChannelError: it is empty, or a row is broken; the message names the line.
    """
    line, sample = _first_records(file)
    first = sample[0]
    if schema is None:
        check_separator(file.name, sample)
    if header is None:
        header = _has_header(file, sample, schema)
    columns: Sequence[Any] = range(len(first))
    if header:
        columns = _names(file, first, schema) or columns
    elif schema is not None:
        columns = list(schema)
    skipped = line if header else 0
    frame = _parse(file, columns, skipped, schema)
    _check_doubts(file, frame, skipped, schema)
    if header and len(first) > 1 and is_index(str(columns[0]), list(schema or ())):
        frame = _without_index(file, frame)
    narrow = len(columns) == 1
    return Table(file.name, frame, lambda row: f"line {_line_of(file, skipped, row, narrow)}")


def _check_doubts(file: DataFile, frame: DataFrame, skipped: int, schema: Schema | None) -> None:
    """Raise if numbers were read otherwise than they are written."""
    undeclared, rounded = doubtful_columns(frame, schema)
    if undeclared:
        with file.open_text() as stream:
            _skip(stream, skipped)
            undeclared = undeclared if may_hold_leading_zero(stream) else set()
    if undeclared or rounded:
        with file.open_text() as stream, suppress(csv.Error):
            _skip(stream, skipped)
            records = ((skipped + start, end, record) for start, end, record in _records(stream))
            check_values(file.name, records, list(frame.columns), undeclared, rounded)


def _has_header(file: DataFile, sample: list[list[str]], schema: Schema | None) -> bool:
    """Whether the first record names the columns, by the rule that requests are read by.

    Raises:
        ChannelError: nobody could tell it from a row.
    """
    columns = [Column(name, kind) for name, kind in (schema or {}).items()]
    judged = judge_first_row(sample, columns)
    if len(sample) == 1 and not any(map(is_number, sample[0])):
        # A file of names, beside others that have rows; a schema's are known.
        return schema is None or not set(schema).isdisjoint(sample[0])
    unsure = judged in ("either", "likely row")
    if judged == "either" or (unsure and schema is None):
        raise ChannelError(
            f"{file.name}, line 1 may hold the columns' names or values: say which by header=True "
            "or header=False, by the channel's content type (text/csv; header=present or "
            "header=absent), or by a schema"
        )
    return judged in ("names", "likely names")


def _first_records(file: DataFile) -> tuple[int, list[list[str]]]:
    """The first records, and the number of the line on which the very first ends."""
    try:
        with file.open_text() as stream:
            found = list(islice(_records(stream), SAMPLE))
    except csv.Error as error:
        raise ChannelError(f"{file.name}, line 1: {error}") from None
    if not found:
        raise ChannelError(f"{file.name} is empty")
    return found[0][1], [record for _, _, record in found]


def _names(file: DataFile, first: list[str], schema: Schema | None) -> list[str] | None:
    try:
        return column_names(first, list(schema or ()))
    except ValueError as error:
        raise ChannelError(f"{file.name}, line 1: {error}") from None


def _without_index(file: DataFile, frame: DataFrame) -> DataFrame:
    """The table without the index that pandas wrote as its first column.

    Raises:
        ChannelError: that column is no index, and has no name.
    """
    values = frame.iloc[:, 0]
    if values.dtype.kind not in "iu" or not values.is_unique:
        raise ChannelError(f"{file.name}, line 1: column 1 has no name, and it is no index")
    return frame.iloc[:, 1:]


def _parse(
    file: DataFile, columns: Sequence[Any], skipped: int, schema: Schema | None
) -> DataFrame:
    import pandas as pd

    text = {
        position: str
        for position, name in enumerate(columns)
        if schema is not None and schema.get(name) in READ_AS_TEXT
    }
    # A blank line is a missing value where rows have one column, and else no row.
    options: dict[str, Any] = {"header": None, "dtype": text, "low_memory": False}
    options["skip_blank_lines"] = len(columns) > 1
    try:
        with file.open_text() as stream:
            _skip(stream, skipped)
            frame: pd.DataFrame = pd.read_csv(stream, **options)
    except pd.errors.EmptyDataError:
        frame = _after_blank_line(file, len(columns), skipped, options)
    except pd.errors.ParserError as error:
        _check_widths(file, len(columns), skipped)
        raise ChannelError(_unparsed(file, skipped, str(error))) from None
    if frame.shape[1] != len(columns) or frame.iloc[:, -1].isna().any():
        _check_widths(file, len(columns), skipped)
    frame.columns = pd.Index(columns)
    return frame


def _after_blank_line(
    file: DataFile, width: int, skipped: int, options: dict[str, Any]
) -> DataFrame:
    """A file of one column whose first value is missing, which pandas takes for no file at all."""
    import pandas as pd

    with file.open_text() as stream:
        _skip(stream, skipped)
        if width > 1 or not stream.read(1):
            return pd.DataFrame(columns=range(width))
    _check_widths(file, width, skipped)
    with file.open_text() as stream:
        _skip(stream, skipped)
        frame: pd.DataFrame = pd.read_csv(stream, names=[0], **options)
        return frame


def _unparsed(file: DataFile, skipped: int, message: str) -> str:
    """What pandas says of a file that it can't take apart, with the line where it gives a row."""
    unclosed = UNCLOSED.search(message)
    if unclosed:
        line = _line_of(file, skipped, int(unclosed[1]))
        return f"{file.name}, line {line}: a quote is opened here and never closed"
    said = message.removeprefix("Error tokenizing data. C error: ")
    return f"{file.name}: {' '.join(said.split())}"


def _check_widths(file: DataFile, width: int, skipped: int) -> None:
    """Raise if a row has too few or too many fields, naming its line."""
    # A field beyond the csv module's limit can't be told broken from merely long.
    with file.open_text() as stream, suppress(csv.Error):
        _skip(stream, skipped)
        for start, found in _widths(stream):
            if found != width:
                fields = f"{found} field{'s' * (found != 1)}"
                raise ChannelError(
                    f"{file.name}, line {skipped + start}: {fields}, where there should be {width}"
                )


def _line_of(file: DataFile, skipped: int, row: int, narrow: bool = False) -> int:
    """The line on which a row begins."""
    with file.open_text() as stream:
        _skip(stream, skipped)
        return skipped + next(islice(_records(stream, narrow), row, None))[0]


def _records(stream: IO[str], blank: bool = False) -> Iterator[tuple[int, int, list[str]]]:
    """Each record with its first and its last line, counted from 1; blank ones if they count."""
    reader = csv.reader(stream)
    end = 0
    for record in reader:
        start, end = end + 1, reader.line_num
        if blank or (record and (len(record) > 1 or record[0].strip())):
            yield start, end, record


def _widths(stream: IO[str]) -> Iterator[tuple[int, int]]:
    """The first line of each record that is not blank, and how many fields it has.

    Commas are counted where there is no quote, which takes a fraction of the csv module's time.
    """
    end = 0
    for line in stream:
        start, end = end + 1, end + 1
        if '"' in line:
            reader = csv.reader(chain([line], stream))
            yield start, len(next(reader))
            end = start + reader.line_num - 1
        elif line.strip():
            yield start, line.count(",") + 1


def _skip(stream: IO[str], lines: int) -> None:
    for _ in range(lines):
        stream.readline()
