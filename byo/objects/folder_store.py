"""A folder as a store: a file is an object, its path below the folder the key."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from byo.objects.object_store import CHUNK_BYTES, NoAccess, NoSuchObject, ObjectInfo, ObjectsFailed
from byo.objects.whole_file import is_part, whole_file

ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class FolderStore:
    """The files below a folder.

    A key can't lead out of the folder. Links that lie in it are followed: who owns the folder made
    them.

    Args:
        folder: it need not be there before something is put.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def address(self, key: str) -> str:
        return self.path(key).as_uri()

    def path(self, key: str) -> Path:
        """Where an object lies, or would.

        Raises:
            NoSuchObject: the key is none that a file can have here.
        """
        parts = key.split("/")
        if any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise NoSuchObject(f"{key!r} is no name of a file below {self.folder}")
        return self.folder.joinpath(*parts)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        if not self.folder.is_dir():
            raise NoSuchObject(f"{self.folder} is not a folder")
        above = prefix.rpartition("/")[0]
        start = self.path(above) if above else self.folder
        found = []
        for folder, folders, names in os.walk(start, followlinks=True, onerror=_refuse):
            inside = Path(folder)
            folders[:] = [name for name in folders if not _leads_up(inside / name)]
            found += [inside / name for name in names if not is_part(name)]
        keyed = sorted((file.relative_to(self.folder).as_posix(), file) for file in found)
        for key, file in keyed:
            if key.startswith(prefix) and file.is_file():
                yield _info(key, file.stat())

    def fetch(self, key: str, to: Path) -> ObjectInfo:
        file = self.path(key)
        with _told(file), file.open("rb") as source:
            info = _info(key, os.fstat(source.fileno()))
            with whole_file(to) as target:
                shutil.copyfileobj(source, target, CHUNK_BYTES)
        return info

    def read(self, key: str) -> bytes:
        file = self.path(key)
        with _told(file):
            return file.read_bytes()

    def put(self, key: str, content: bytes | Path, content_type: str | None = None) -> str:
        file = self.path(key)
        with whole_file(file) as target:
            if isinstance(content, bytes):
                target.write(content)
            else:
                with content.open("rb") as source:
                    shutil.copyfileobj(source, target, CHUNK_BYTES)
        return file.as_uri()


def _info(key: str, stat: os.stat_result) -> ObjectInfo:
    return ObjectInfo(key, stat.st_size, f"{stat.st_mtime_ns:x}-{stat.st_size:x}")


def _leads_up(folder: Path) -> bool:
    """Whether a folder is a link to one that it lies in: a walk into it would not end."""
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def _refuse(error: OSError) -> None:
    if not isinstance(error, ABSENT):
        raise NoAccess(f"{error.filename} can't be read: {error.strerror}") from None


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """Say of what file it is that something fails."""
    try:
        yield
    except ABSENT:
        raise NoSuchObject(f"{file}: there is no such file") from None
    except PermissionError as error:
        raise NoAccess(f"{file}: {error.strerror}") from None
    except OSError as error:
        kind = NoSuchObject if error.errno == errno.ENAMETOOLONG else ObjectsFailed
        raise kind(f"{file}: {error.strerror or error}") from None
