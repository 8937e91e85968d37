"""application/vnd.apache.parquet: a table with typed, named columns."""

from __future__ import annotations

import io
import json
import re
from typing import Any, ClassVar

from contract.errors import MalformedPayload, NotAcceptable, UnprocessablePayload
from contract.signature import Signature
from handler.codecs.budget import NUMBER, OBJECT, Budget
from handler.codecs.charset import quote
from handler.codecs.codec import Decoded, Envelope
from handler.codecs.expected_columns import expected_columns
from handler.codecs.json_rows import check_distinct
from handler.codecs.media_types import MediaType
from handler.codecs.parquet_pages import BrokenPage, unpacked_size
from handler.codecs.predictions import to_table
from handler.codecs.whole_numbers import as_floats

# How pandas names the columns in which it stores an index without a name.
_INDEX = re.compile(r"__index_level_\d+__")
_BATCH = 16 * 1024


class Parquet:
    media_types: ClassVar[tuple[str, ...]] = (
        "application/vnd.apache.parquet",
        "application/x-parquet",
    )
    requires: ClassVar[tuple[str, ...]] = ("pyarrow",)

    @staticmethod
    def read(
        body: bytes, media_type: MediaType, signature: Signature | None, budget: Budget
    ) -> Decoded:
        import pyarrow as pa
        from pyarrow import parquet

        try:
            with parquet.ParquetFile(pa.BufferReader(body)) as file:
                names = _check(body, file, budget)
            # Repeated text stays in dictionaries until it is known how much it makes.
            with parquet.ParquetFile(pa.BufferReader(body), read_dictionary=names) as file:
                table = _read_table(file, names, budget)
                index = _counted_index(file, names, signature)
            budget.memory(sum(map(bytes_of_column, table.columns)))
            # Of what pandas adds to the file's metadata only that is read.
            if index is not None:
                table = table.append_column(index[0], pa.array(index[1]))
            table = _with_moments(table, signature)
            frame = table.to_pandas(
                ignore_metadata=True, use_threads=False, integer_object_nulls=True
            )
            return Decoded(_with_floats(frame, table, signature))
        except (pa.ArrowException, OSError, BrokenPage, ValueError, OverflowError) as error:
            raise MalformedPayload(f"the body is no parquet file: {_line(error)}") from None

    @staticmethod
    def write(
        prediction: Any,
        media_type: MediaType,
        signature: Signature | None,
        envelope: Envelope | None,
    ) -> bytes:
        import pyarrow as pa
        from pyarrow import parquet

        table = to_table(prediction, signature)
        stream = io.BytesIO()
        try:
            columns = [pa.array(column, from_pandas=True) for column in table.columns]
            parquet.write_table(pa.table(columns, names=table.names), stream)
        except pa.ArrowException as error:
            raise NotAcceptable(
                f"the prediction can't be written as parquet: {_line(error)}"
            ) from None
        return stream.getvalue()


def _with_moments(table: Any, signature: Signature | None) -> Any:
    """A table whose days are moments where the model takes moments.

    Else each would become an object of Python's, to be looked at by itself: minutes for millions.
    """
    import pyarrow as pa

    columns = expected_columns(table.column_names, table.num_columns, signature)
    for at, (field, column) in enumerate(zip(table.schema, columns, strict=True)):
        if column.kind == "datetime" and pa.types.is_date(field.type):
            table = table.set_column(at, field.name, table.column(at).cast(pa.timestamp("s")))
    return table


def _counted_index(
    file: Any, names: list[str], signature: Signature | None
) -> tuple[str, range] | None:
    """A column of the model's that was the index, of numbers such as 30, 41, 52.

    Of such pandas stores no value, but the first and the step.
    """
    expected = set(signature.names or ()) if signature else set()
    if expected <= set(names):
        return None
    try:
        described = json.loads((file.schema_arrow.metadata or {})[b"pandas"])
        (index,) = described["index_columns"]
        counted = range(index["start"], index["stop"], index["step"])
    except (KeyError, TypeError, ValueError):
        return None
    name, rows = index.get("name"), file.metadata.num_rows
    return (name, counted) if name in expected - set(names) and len(counted) == rows else None


def _with_floats(frame: Any, table: Any, signature: Signature | None) -> Any:
    """A table whose whole numbers beside missing ones are floats, as pandas would make them.

    Where the model is known to take whole numbers they stay exact, for its own type to hold.

    Raises:
        UnprocessablePayload: a float would make another number of one.
    """
    import pyarrow as pa

    expected = expected_columns(table.column_names, table.num_columns, signature)
    for field, column in zip(table.schema, expected, strict=True):
        name = field.name
        gaps = pa.types.is_integer(field.type) and table[name].null_count
        if gaps and column.kind != "integer":
            frame[name] = as_floats(frame[name].tolist(), name)
    return frame


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _check(body: bytes, file: Any, budget: Budget) -> list[str]:
    """Look at what a file announces, before any of it is unpacked.

    Returns:
        The names of the columns, without pandas' own for an index.

    Raises:
        UnprocessablePayload: a column holds lists or records.
        MalformedPayload: two columns have one name.
        PayloadTooLarge: the file announces more than the budget allows.
    """
    import pyarrow as pa

    metadata, schema = file.metadata, file.schema_arrow
    for field in schema:
        if pa.types.is_nested(field.type) or isinstance(field.type, pa.BaseExtensionType):
            raise UnprocessablePayload(
                f"column {quote(field.name)} holds values of type {quote(str(field.type))}; "
                "a cell must hold a single value",
                column=field.name,
            )
    check_distinct(schema.names)
    budget.frame(len(schema))
    budget.table(metadata.num_rows, len(schema), cell=0)
    budget.memory(metadata.num_rows * sum(_least_bytes(field.type) for field in schema))
    # A page, and what is made of it.
    budget.memory(2 * unpacked_size(body, metadata))
    return [name for name in schema.names if not _INDEX.fullmatch(name)]


def _least_bytes(kind: Any) -> int:
    """The bytes that a cell of a type takes at least, up to the data that the model is given."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        return NUMBER
    # Dates, times and decimals are larger objects, and each takes its time to be looked at.
    return OBJECT if _is_text(kind) or types.is_null(kind) else 3 * OBJECT


def bytes_of_column(column: Any) -> int:
    """The bytes that a column takes, with the objects that are made of its values."""
    from pyarrow import types

    cell = _least_bytes(column.type)
    if column.null_count and cell == NUMBER and not types.is_floating(column.type):
        cell = OBJECT  # Whole numbers and truths beside missing ones are objects at first.
    text = 2 * column.nbytes if _is_text(column.type) else column.nbytes
    return cell * len(column) + int(text)


def _read_table(file: Any, names: list[str], budget: Budget) -> Any:
    """The table of a file, batch by batch, so that it is stopped where it unpacks to too much.

    Raises:
        PayloadTooLarge: the file turns out to hold more bytes than allowed.
    """
    import pyarrow as pa

    batches, size = [], 0
    for batch in file.iter_batches(_BATCH, columns=names, use_threads=False):
        size += batch.nbytes + sum(map(_text_size, batch.columns))
        budget.memory(size)
        batches.append(pa.record_batch(list(map(_spelt_out, batch.columns)), names=names))
    if not batches:
        return pa.table({name: pa.array([], pa.null()) for name in names})
    return pa.Table.from_batches(batches)


def _text_size(column: Any) -> int:
    """The bytes that a column of dictionary entries makes once they are spelt out."""
    import pyarrow as pa
    from pyarrow import compute

    if not pa.types.is_dictionary(column.type) or not _is_text(column.type.value_type):
        return 0
    lengths = compute.binary_length(column.dictionary)
    return compute.sum(lengths.take(column.indices)).as_py() or 0


def _spelt_out(column: Any) -> Any:
    import pyarrow as pa

    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
    )
