"""Objects in a folder, in S3 or behind HTTP: list, fetch, read and put them.

`object_store.py` says what any store can do and how it fails; `folder_store.py`, `s3_store.py` and
`http_store.py` are the three there are, `place.py` finds the one that an address means, and
`whole_file.py` writes a file whole or not at all.
"""

from byo.objects.object_store import (
    DiskFull,
    NoAccess,
    NoSuchObject,
    ObjectInfo,
    ObjectsFailed,
    ObjectStore,
    StoreUnreachable,
)
from byo.objects.place import store_of
from byo.objects.whole_file import whole_file

__all__ = [
    "DiskFull",
    "NoAccess",
    "NoSuchObject",
    "ObjectInfo",
    "ObjectStore",
    "ObjectsFailed",
    "StoreUnreachable",
    "store_of",
    "whole_file",
]
