"""application/vnd.apache.parquet: a table with typed, named columns."""

from __future__ import annotations

import io
import json
import re
from typing import Any, ClassVar

from contract.errors import MalformedPayload, NotAcceptable, UnprocessablePayload
from contract.signature import Signature
from handler.codecs.charset import quote
from handler.codecs.codec import Decoded, Envelope, check_unpacked
from handler.codecs.expected_columns import expected_columns
from handler.codecs.json_rows import check_distinct
from handler.codecs.media_types import MediaType
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
    def read(body: bytes, media_type: MediaType, signature: Signature | None) -> Decoded:
        import pyarrow as pa
        from pyarrow import parquet

        try:
            with parquet.ParquetFile(pa.BufferReader(body)) as file:
                names = _check(file)
            # Repeated text stays in dictionaries until it is known how much it makes.
            with parquet.ParquetFile(pa.BufferReader(body), read_dictionary=names) as file:
                table = _read_table(file, names)
                index = _counted_index(file, names, signature)
            # Of what pandas adds to the file's metadata only that is read.
            if index is not None:
                table = table.append_column(index[0], pa.array(index[1]))
            frame = table.to_pandas(
                ignore_metadata=True, use_threads=False, integer_object_nulls=True
            )
            return Decoded(_with_floats(frame, table, signature))
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise MalformedPayload(f"the body is no parquet file: {reason}") from None

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
            reason = " ".join(str(error).split())[:200]
            raise NotAcceptable(f"the prediction can't be written as parquet: {reason}") from None
        return stream.getvalue()


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


def _check(file: Any) -> list[str]:
    """Look at what a file announces, before any of it is unpacked.

    Returns:
        The names of the columns, without pandas' own for an index.

    Raises:
        UnprocessablePayload: a column holds lists or records.
        MalformedPayload: two columns have one name.
        PayloadTooLarge: the file announces more bytes than allowed.
    """
    import pyarrow as pa

    metadata, schema = file.metadata, file.schema_arrow
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    check_unpacked(sum(group.total_byte_size for group in groups))
    check_unpacked(metadata.num_rows * max(1, len(schema)))
    check_distinct(schema.names)
    for field in schema:
        if pa.types.is_nested(field.type) or isinstance(field.type, pa.BaseExtensionType):
            raise UnprocessablePayload(
                f"column {quote(field.name)} holds values of type {str(field.type)[:60]}; "
                "a cell must hold a single value",
                column=field.name,
            )
    return [name for name in schema.names if not _INDEX.fullmatch(name)]


def _read_table(file: Any, names: list[str]) -> Any:
    """The table of a file, batch by batch, so that it is stopped where it unpacks to too much.

    Raises:
        PayloadTooLarge: the file turns out to hold more bytes than allowed.
    """
    import pyarrow as pa

    batches, size = [], 0
    for batch in file.iter_batches(_BATCH, columns=names, use_threads=False):
        size += batch.nbytes + sum(map(_text_size, batch.columns))
        check_unpacked(size)
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
