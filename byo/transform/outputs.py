"""Where a job's outputs go: each is there whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from byo.command_errors import UsageError
from byo.objects import NoSuchObject, ObjectInfo, ObjectStore, store_of, whole_file
from byo.objects.folder_store import FolderStore
from byo.objects.whole_file import is_part

# The record of what is done, by which a second run goes on; and the lock of a folder.
RECORD = ".byo-transform.jsonl"


class Outputs:
    """A folder or a prefix of S3 that takes outputs.

    Args:
        place: a folder, which need not be there, or ``s3://bucket/prefix``.
        scratch: a folder for what is on its way to S3.

    Raises:
        UsageError: nothing can be written there.
    """

    def __init__(self, place: str, scratch: Path) -> None:
        if place.startswith(("http://", "https://")):
            raise UsageError(f"OUTPUT {place}: name a folder or an s3:// address to write to")
        self.store: ObjectStore
        self.store, prefix = store_of(place)
        if isinstance(self.store, FolderStore) and prefix:
            raise UsageError(f"OUTPUT {place} is a file: name a folder")
        self._prefix = f"{prefix}/" if prefix and not prefix.endswith("/") else prefix
        self._scratch = scratch

    @property
    def folder(self) -> Path | None:
        """The folder, where it is one of this machine."""
        return self.store.folder if isinstance(self.store, FolderStore) else None

    @property
    def address(self) -> str:
        """The URL of the place, with a slash at its end."""
        if self.folder is not None:
            return f"{self.folder.as_uri()}/"
        return self.store.address(self._prefix)

    def read(self, name: str) -> bytes:
        """The content of an output; empty where there is none."""
        try:
            return self.store.read(self._prefix + name)
        except NoSuchObject:
            return b""

    def put(self, name: str, content: bytes) -> None:
        self.store.put(self._prefix + name, content)

    def file(self, name: str) -> Path:
        """Where an output lies, in a folder."""
        assert isinstance(self.store, FolderStore)  # noqa: S101 - for the type checker
        return self.store.path(self._prefix + name)

    def listed(self) -> dict[str, ObjectInfo]:
        """What is there, by its name."""
        with suppress(NoSuchObject):
            start = len(self._prefix)
            return {info.key[start:]: info for info in self.store.list(self._prefix)}
        return {}

    def create(self, name: str) -> OutputFile:
        """Begin an output."""
        if self.folder is None:
            return OutputFile(self._scratch / hashlib.sha256(name.encode()).hexdigest(), self, name)
        return OutputFile(self.file(name))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Have the folder for this job alone, and take away what a killed one has left in it.

        Raises:
            UsageError: another job writes there.
        """
        if self.folder is None:
            yield
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / RECORD).open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(
                    f"another byo transform writes to {self.folder}: wait for it, or name another "
                    "OUTPUT"
                ) from None
            _sweep(self.folder)
            try:
                yield
            finally:
                _sweep(self.folder)  # of workers that were killed


def _sweep(folder: Path) -> None:
    """Take away what was being written when its process was killed."""
    for left in [file for file in folder.rglob(".*") if is_part(file.name)]:
        left.unlink(missing_ok=True)


class OutputFile:
    """An output while it is written: to a file beside its place, or on its way to S3.

    Args:
        path: its place on this machine.
        outputs, name: where it is put from there; None where that is its place.
    """

    def __init__(self, path: Path, outputs: Outputs | None = None, name: str = "") -> None:
        self._stack = ExitStack()
        self._file: IO[bytes] = self._stack.enter_context(whole_file(path))
        self._path, self._outputs, self._name = path, outputs, name
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, content: bytes) -> None:
        self._file.write(content)
        self._hash.update(content)
        self.size += len(content)

    def finish(self) -> None:
        """Put it in its place.

        Raises:
            OSError, ObjectsFailed: it can't be written.
        """
        self._stack.close()
        if self._outputs is not None:
            try:
                self._outputs.store.put(self._outputs._prefix + self._name, self._path)
            finally:
                self._path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Leave nothing of it; after `finish` it does nothing."""
        with suppress(_Discarded):
            self._stack.__exit__(_Discarded, _Discarded(), None)


class _Discarded(Exception):
    """An output that is not to be."""
