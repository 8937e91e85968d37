"""From a channel's name to one data frame."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from contract.columns import Kind
from training_entry.channels.channel_error import ChannelError
from training_entry.channels.combining import combine
from training_entry.channels.csv_file import read_csv
from training_entry.channels.data_files import CSV, JSON_LINES, DataFile, find_files, parameter
from training_entry.channels.declared_schema import Schema, Table, as_schema, conform
from training_entry.channels.jsonl_file import read_jsonl
from training_entry.channels.parquet_file import read_parquet
from training_entry.channels.sharding import FILES_PER_HOST, is_sharded, shard_by_host
from training_entry.job import Channel, Job

if TYPE_CHECKING:
    from pandas import DataFrame


def read_channel(
    name: str = "training",
    schema: Mapping[str, Kind] | Sequence[str] | None = None,
    *,
    header: bool | None = None,
    content_type: str | None = None,
    shard: bool = False,
    folder: str | os.PathLike[str] | None = None,
    job: Job | None = None,
) -> DataFrame:
    """All rows of a channel: of its CSV, JSON Lines and Parquet files, in the order of their paths.

    Args:
        name: the channel's name.
        schema: the names of the columns, or names with kinds (``number``, ``integer``,
            ``boolean``, ``string``, ``datetime``, ``any``); every value is then checked.
        header: whether the first line of a CSV file names the columns; None: it does where it
            holds the schema's names, or text above numbers; a line of numbers is a row, as in
            SageMaker's own layout. What may be either is refused.
        content_type: in place of the channel's own ``ContentType``.
        shard: whether each host reads a part of its own; has no effect with one host, or where
            SageMaker has shared the files out (``ShardedByS3Key``).
        folder: a folder to read in place of the channel's, for runs outside of a job.
        job: the job; that of ``os.environ`` if None.

    Raises:
        ChannelError: one line that names the channel, the file and the row.
        JobError: the job's own files can't be used.
    """
    job = job or Job.from_environ(os.environ)
    channel = Channel(name, Path(folder)) if folder is not None else _find(name, job)
    try:
        columns = as_schema(schema)
        content_type = content_type or channel.content_type
        if header is None:
            header = _header_parameter(content_type)
        files = _files(channel, content_type, job)
        shard = shard and len(job.hosts) > 1 and not is_sharded(channel)
        by_file = shard and len(files) >= FILES_PER_HOST * len(job.hosts)
        chosen = shard_by_host(files, job) if by_file else files
        frame = combine([_read(file, columns, header) for file in chosen])
        if shard and not by_file:
            frame = shard_by_host(frame, job)
        if frame.empty:
            raise ChannelError(f"there is no row for {job.current_host}, only column names")
    except ChannelError as error:
        raise ChannelError(f"channel {name}: {error}") from None
    return frame


def _find(name: str, job: Job) -> Channel:
    if name in job.channels:
        return job.channels[name]
    close = get_close_matches(name, job.channels, n=1)
    meant = f": is {close[0]} meant?" if close else "."
    present = (
        f"The job's channels: {', '.join(job.channels)}"
        if job.channels
        else (
            f"The job has none under {job.paths.input_data}; "
            f"by hand, name a folder with folder= or SM_CHANNEL_{name.upper()}"
        )
    )
    raise ChannelError(f"there is no channel {name}{meant} {present}")


def _files(channel: Channel, content_type: str | None, job: Job) -> list[DataFile]:
    if channel.input_mode == "Pipe":
        raise ChannelError(
            "its input mode is Pipe, which hands files on as one stream without their names: "
            "give the channel the input mode FastFile, which streams as well, or File"
        )
    if not channel.folder.is_dir():
        raise ChannelError(f"its folder {channel.folder} doesn't exist")
    files = find_files(channel.folder, content_type)
    if files:
        return files
    if is_sharded(channel):
        raise ChannelError(
            f"{job.current_host} has no file: ShardedByS3Key takes at least as many files "
            f"as there are hosts, which are {len(job.hosts)}"
        )
    raise ChannelError(f"there is no file in {channel.folder}")


def _header_parameter(content_type: str | None) -> bool | None:
    """What ``text/csv; header=absent`` says (RFC 4180), or None."""
    stated = (parameter(content_type, "header") or "").lower()
    return stated == "present" if stated in ("present", "absent") else None


def _read(file: DataFile, schema: Schema | None, header: bool | None) -> Table:
    if not file.path.stat().st_size:
        raise ChannelError(f"{file.name} is empty")
    with _errors_named(file):
        if file.format == CSV:
            table = read_csv(file, schema, header)
        elif file.format == JSON_LINES:
            table = read_jsonl(file, schema)
        else:
            table = read_parquet(file)
    return table if schema is None else conform(table, schema)


@contextmanager
def _errors_named(file: DataFile) -> Iterator[None]:
    """Have what the standard library finds wrong with a file name the file, too."""
    try:
        yield
    except UnicodeDecodeError:
        place, name = _undecodable(file)
        raise ChannelError(f"{file.name}{place}: not {name}") from None
    except (EOFError, zlib.error) as error:
        raise ChannelError(f"{file.name} can't be unpacked: {error}") from None
    except OSError as error:
        raise ChannelError(f"{file.name} can't be read: {error}") from None


def _undecodable(file: DataFile) -> tuple[str, str]:
    """The first line that is no text, and the encoding that it is not of."""
    encoding = file.encoding()
    if encoding != "utf-8-sig":
        return "", encoding
    with file.open_bytes() as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return f", line {number}", "UTF-8"
    return "", "UTF-8"
