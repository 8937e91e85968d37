"""The files of a channel, in an order of their own, and which format each has."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from contract.text_encoding import charset_named, marked_charset
from training_entry.channels.channel_error import ChannelError

CSV, JSON_LINES, PARQUET = "CSV", "JSON Lines", "Parquet"
SUFFIXES = {
    ".csv": CSV,
    ".jsonl": JSON_LINES,
    ".jsonlines": JSON_LINES,
    ".ndjson": JSON_LINES,
    ".parquet": PARQUET,
    ".pq": PARQUET,
}
CONTENT_TYPES = {
    "text/csv": CSV,
    "application/jsonlines": JSON_LINES,
    "application/x-jsonlines": JSON_LINES,
    "application/x-ndjson": JSON_LINES,
    "application/x-parquet": PARQUET,
    "application/vnd.apache.parquet": PARQUET,
}
# What Spark and its kin leave beside the data.
MARKERS = ("_SUCCESS", "_metadata", "_common_metadata", "_started_", "_committed_")
# What file managers leave.
LEFT_BEHIND = ("Thumbs.db", "desktop.ini")
# What a file system keeps for itself, as a volume has it.
SYSTEM_FOLDERS = ("lost+found",)


@dataclass(frozen=True)
class DataFile:
    """A file of data.

    Args:
        path: where it lies.
        name: its path inside the channel's folder, as messages have it.
        format: ``CSV``, ``JSON Lines`` or ``Parquet``.
        charset: what the channel's content type says of the text; None if nothing.
    """

    path: Path
    name: str
    format: str
    charset: str | None = None

    def open_text(self) -> IO[str]:
        """The text, unpacked, without a byte order mark and with line ends as they are."""
        encoding = self.encoding()
        stream: IO[bytes] = self.open_bytes()
        return io.TextIOWrapper(stream, encoding=encoding, newline="")

    def encoding(self) -> str:
        """Python's name of the text's encoding: as the channel says it, or a byte order mark."""
        if self.charset is None:
            with self.open_bytes() as stream:
                marked = marked_charset(stream.read(4))
            return marked or "utf-8-sig"
        return "utf-8-sig" if self.charset == "utf-8" else self.charset

    def open_bytes(self) -> IO[bytes]:
        """The bytes, unpacked."""
        if self.path.suffix == ".gz":
            return gzip.open(self.path, "rb")  # type: ignore[return-value]
        return self.path.open("rb")


def find_files(folder: Path, content_type: str | None) -> list[DataFile]:
    """All files of data in a folder and in those inside or linked there, sorted by their path.

    Args:
        folder: the channel's folder.
        content_type: the channel's content type, which decides where a name does not.

    Raises:
        ChannelError: a file is of no format known here, or is not what its channel is said to be;
            a folder is there twice, by a link.
    """
    charset = _charset(content_type)
    found = sorted(_paths_in(folder))
    return [
        DataFile(folder / path, path.as_posix(), _format(path, content_type), charset)
        for path in found
        if not any(part.startswith(".") for part in path.parts)
        and not path.name.startswith(MARKERS)
        and path.name not in LEFT_BEHIND
    ]


def _paths_in(folder: Path) -> Iterator[Path]:
    """The files below a folder, but for hidden folders.

    Raises:
        ChannelError: a link leads to a folder whose files are among them already, or round in a
            circle.
    """
    seen: dict[str, str] = {}
    for where, folders, names in os.walk(folder, followlinks=True, onerror=_unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        before = seen.setdefault(os.path.realpath(where), where)
        if before != where:
            raise ChannelError(f"{where} leads to {before}, whose files would be read twice")
        yield from (Path(where, name).relative_to(folder) for name in names)


def _unreadable(error: OSError) -> None:
    """A folder that can't be listed may hold data; what a file system keeps for itself does not."""
    if Path(error.filename).name not in SYSTEM_FOLDERS:
        raise ChannelError(f"{error.filename} can't be read: {error.strerror}")


def parameter(content_type: str | None, name: str) -> str | None:
    """What a content type says under a name: of ``text/csv; charset=latin-1`` its charset."""
    for part in (content_type or "").split(";")[1:]:
        key, _, value = part.strip().partition("=")
        if key.strip().lower() == name:
            return value.strip().strip('"')
    return None


def _charset(content_type: str | None) -> str | None:
    named = parameter(content_type, "charset")
    charset = None if named is None else charset_named(named)
    if named is not None and charset is None:
        raise ChannelError(f"charset {named[:50]!r} of its content type is unknown")
    return charset


def _format(path: Path, content_type: str | None) -> str:
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    by_name = SUFFIXES.get(suffix.lower())
    by_type = CONTENT_TYPES.get((content_type or "").partition(";")[0].strip().lower())
    if by_name and by_type and by_name != by_type:
        raise ChannelError(
            f"{path.as_posix()} is named like {by_name}, but the content type of the channel "
            f"is {content_type}: make them agree"
        )
    if not (by_name or by_type):
        raise ChannelError(
            f"{path.as_posix()} is of no known format: name it {', '.join(SUFFIXES)} (CSV and "
            "JSON Lines also with .gz), or give the channel the content type text/csv, "
            "application/jsonlines or application/x-parquet"
        )
    if PARQUET in (by_name, by_type) and path.suffix == ".gz":
        raise ChannelError(f"{path.as_posix()}: Parquet packs its own columns: unpack the .gz")
    return by_name or by_type or ""
