"""Which store an address means, and which key in it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from byo.command_errors import UsageError
from byo.objects.folder_store import FolderStore
from byo.objects.http_store import HttpStore
from byo.objects.object_store import ObjectStore
from byo.objects.s3_store import S3Store

S3, FILE, HTTP = "s3://", "file://", ("http://", "https://")


def store_of(place: str | Path) -> tuple[ObjectStore, str]:
    """The store that a place lies in, and its key there, or the prefix that is common to its keys.

    Args:
        place: a file or a folder, also as ``file://``; ``s3://bucket/prefix``; an http or https
            address. A path where nothing is yet is that of a folder.

    Returns:
        The store and the key: "" for a whole folder or bucket. A prefix of S3 is as it was given,
        with or without a ``/`` at its end.

    Raises:
        UsageError: it is no such address.
    """
    text = str(place)
    if text.startswith(S3):
        bucket, _, key = text.removeprefix(S3).partition("/")
        return S3Store(bucket), key
    if text.startswith(HTTP):
        store = HttpStore(text)
        return store, store.key
    if text.startswith(FILE):
        parts = urlsplit(text)
        if parts.netloc not in ("", "localhost"):
            raise UsageError(f"{text!r} names another machine: file:///folder is one of this")
        text = unquote(parts.path)
    elif "://" in text:
        raise UsageError(f"{text!r} is neither a folder nor an s3://, http:// or https:// address")
    if not text:
        raise UsageError("an empty text is no place of objects: name a folder or s3://bucket")
    path = Path(text).expanduser()
    if path.is_file():
        return FolderStore(path.parent), path.name
    return FolderStore(path), ""
