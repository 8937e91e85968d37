"""What any store of objects can do, and how it fails.

    ObjectsFailed
    ├── NoSuchObject         there is no such object, bucket or folder
    ├── NoAccess             the credentials are missing, or may not do this
    ├── StoreUnreachable     the network, or the store itself, does not answer
    └── DiskFull             the file that is written does not fit

Each message begins with the place: ``s3://bucket/key``, a file, a URL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from byo.command_errors import RunFailed

# Of what is read from a store and written to a file, at a time.
CHUNK_BYTES = 1024 * 1024


class ObjectsFailed(RunFailed):
    """An object can't be listed, read or written."""


class NoSuchObject(ObjectsFailed):
    """There is no such object, bucket or folder."""


class NoAccess(ObjectsFailed):
    """The credentials are missing, or may not do this."""


class StoreUnreachable(ObjectsFailed):
    """The store does not answer."""


class DiskFull(ObjectsFailed):
    """The file that is being written does not fit on its disk."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a store says of an object.

    Args:
        key: its name in the store, with ``/`` between parts.
        size: in bytes.
        etag: changes with the content; opaque, "" where the store has none.
    """

    key: str
    size: int
    etag: str


class ObjectStore(Protocol):
    """Objects by their keys. Its methods block, and may be called from several threads."""

    def address(self, key: str) -> str:
        """The URL of an object, whether or not there is one."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """The objects whose keys begin with a prefix, in the order of their keys.

        Empty objects that stand for folders, with a key that ends in ``/``, are left out.

        Raises:
            NoSuchObject: there is no such bucket or folder; where no key has the prefix, nothing
                is listed.
            ObjectsFailed: the store can't be listed.
        """

    def fetch(self, key: str, to: Path) -> ObjectInfo:
        """Write an object's content to a file, whole or not at all; what it was then.

        Raises:
            NoSuchObject: there is none.
            ObjectsFailed: it can't be read, or the file can't be written.
        """

    def read(self, key: str) -> bytes:
        """An object's content.

        Raises:
            NoSuchObject: there is none.
            ObjectsFailed: it can't be read.
        """

    def put(self, key: str, content: bytes | Path, content_type: str | None = None) -> str:
        """Write an object, whole or not at all.

        Args:
            key: its name; an object of that name is replaced.
            content: its bytes, or the file that has them.
            content_type: as the store notes it, where it does.

        Returns:
            Its URL.

        Raises:
            ObjectsFailed: it can't be written.
        """
