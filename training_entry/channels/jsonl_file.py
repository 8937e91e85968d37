"""JSON Lines: one object for each row."""

from __future__ import annotations

import json

from training_entry.channels.channel_error import ChannelError
from training_entry.channels.data_files import DataFile
from training_entry.channels.declared_schema import Schema, Table


def read_jsonl(file: DataFile, schema: Schema | None) -> Table:
    """Read a file; a key that an object lacks is a missing value.

    Raises:
        ChannelError: it is empty, or a line holds no object; the message names the line.
    """
    import pandas as pd

    rows, lines = [], []
    with file.open_text() as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                rows.append(_row(f"{file.name}, line {number}", line, schema))
                lines.append(number)
    if not rows:
        raise ChannelError(f"{file.name} is empty")
    frame = pd.DataFrame(rows)
    for name in schema or ():
        if name not in frame:
            frame[name] = None
    return Table(file.name, frame, lambda row: f"line {lines[row]}")


def _row(place: str, line: str, schema: Schema | None) -> dict[str, object]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ChannelError(f"{place}: not JSON: {error.msg} at column {error.colno}") from None
    if not isinstance(row, dict):
        raise ChannelError(f"{place}: must be a JSON object, not {type(row).__name__}")
    unknown = [name for name in row if schema is not None and name not in schema]
    if unknown:
        raise ChannelError(f"{place}: {unknown[0]} is no column of the schema")
    return row
