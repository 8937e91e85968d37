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

from training_entry.channels.channel_error import ChannelError
from training_entry.channels.data_files import DataFile
from training_entry.channels.declared_schema import READ_AS_TEXT, Schema, Table

if TYPE_CHECKING:
    from pandas import DataFrame

UNCLOSED = re.compile(r"EOF inside string starting at row (\d+)")


def read_csv(file: DataFile, schema: Schema | None, header: bool | None) -> Table:
    """Read a file.

    Args:
        file: the file, UTF-8, with commas.
        schema: the declared columns, or None.
        header: whether the first line names the columns; None if a schema's names tell, or,
            without a schema, for True.

    Raises:
        ChannelError: it is empty, or a row is broken; the message names the line.
    """
    line, first = _first_record(file)
    if header is None:
        header = schema is None or any(cell in schema for cell in first)
    columns: Sequence[Any] = range(len(first))
    if header:
        columns = _names(file, first)
    elif schema is not None:
        columns = list(schema)
    skipped = line if header else 0
    frame = _parse(file, columns, skipped, schema)
    return Table(file.name, frame, lambda row: f"line {_line_of(file, skipped, row)}")


def _first_record(file: DataFile) -> tuple[int, list[str]]:
    """The first record, and the number of the line on which it ends."""
    try:
        with file.open_text() as stream:
            for _, end, record in _records(stream):
                return end, record
    except csv.Error as error:
        raise ChannelError(f"{file.name}, line 1: {error}") from None
    raise ChannelError(f"{file.name} is empty")


def _names(file: DataFile, first: list[str]) -> list[str]:
    names = [cell or f"Unnamed: {position}" for position, cell in enumerate(first)]
    for name in names:
        if names.count(name) > 1:
            raise ChannelError(f"{file.name}, line 1: the column {name} is named twice")
    return names


def _parse(
    file: DataFile, columns: Sequence[Any], skipped: int, schema: Schema | None
) -> DataFrame:
    import pandas as pd

    text = {
        position: str
        for position, name in enumerate(columns)
        if schema is not None and schema.get(name) in READ_AS_TEXT
    }
    try:
        with file.open_text() as stream:
            _skip(stream, skipped)
            frame = pd.read_csv(stream, header=None, dtype=text, low_memory=False)
    except pd.errors.EmptyDataError:
        return pd.DataFrame(columns=list(columns))
    except pd.errors.ParserError as error:
        _check_widths(file, len(columns), skipped)
        raise ChannelError(_unparsed(file, skipped, str(error))) from None
    if frame.shape[1] != len(columns) or frame.iloc[:, -1].isna().any():
        _check_widths(file, len(columns), skipped)
    frame.columns = pd.Index(columns)
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


def _line_of(file: DataFile, skipped: int, row: int) -> int:
    """The line on which a row begins."""
    with file.open_text() as stream:
        _skip(stream, skipped)
        return skipped + next(islice(_records(stream), row, None))[0]


def _records(stream: IO[str]) -> Iterator[tuple[int, int, list[str]]]:
    """Each record that is not blank, with its first and its last line, counted from 1."""
    reader = csv.reader(stream)
    end = 0
    for record in reader:
        start, end = end + 1, reader.line_num
        if record and (len(record) > 1 or record[0].strip()):
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
