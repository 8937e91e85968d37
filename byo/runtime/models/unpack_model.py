"""Make a model's folder of what was fetched: of an archive, or of files as they lie."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from pathlib import Path

from byo.objects import DiskFull
from byo.objects.whole_file import NO_SPACE
from contract.errors import ByoError
from contract.signature import FILE_NAME as SIGNATURE

MOST_MEMBERS = 200_000
# Whoever the container runs as has to read what is unpacked.
READABLE_FILE, READABLE_FOLDER = 0o444, 0o755


class UnpackFailed(ByoError):
    """An archive is not unpacked; the text says what is wrong with it."""


class TooLarge(ByoError):
    """A model has more bytes than all models together may have on the disk."""


def unpack(archive: Path, folder: Path, most_bytes: int) -> int:
    """Unpack a tar archive, compressed or not: its files and folders, nothing outside.

    Args:
        archive: the file.
        folder: what to unpack into; made.
        most_bytes: what it may unpack to.

    Returns:
        How many bytes its files have.

    Raises:
        UnpackFailed: it is no archive, or holds links, devices or paths that lead outside.
        TooLarge: there will never be room for it.
        DiskFull: there is none now.
    """
    size = count = 0
    folder.mkdir(parents=True)
    try:
        with tarfile.open(archive, "r:*") as members:
            for member in members:
                count += 1
                size += member.size
                _check(member, count)
                if size > most_bytes:
                    raise TooLarge(f"it unpacks to more than the {most_bytes} bytes that it may")
                members.extract(member, folder, filter="data")
    except OSError as error:
        if error.errno in NO_SPACE:
            raise DiskFull(f"{folder} can't be written: {error.strerror}") from None
        raise UnpackFailed(f"it can't be unpacked: {error}") from None
    except (tarfile.TarError, zlib.error, LZMAError, EOFError) as error:
        raise UnpackFailed(f"it can't be unpacked: {error}") from None
    if not count:
        raise UnpackFailed("it is empty")
    return size


def copy(source: Path, folder: Path, most_bytes: int) -> int:
    """Copy a model that lies on this machine unpacked: a folder, or a file.

    A file is the one artifact of the folder, with a signature.json that lies beside it. Of a folder
    that holds a folder ``model``, and nothing else, it is that one.

    Args:
        source: the folder or the file.
        folder: what to copy into; made.
        most_bytes: what it may take.

    Returns:
        How many bytes its files have.

    Raises:
        UnpackFailed: it is empty, or can't be read.
        TooLarge: there will never be room for it.
        DiskFull: there is none now.
    """
    size = 0
    folder.mkdir(parents=True)
    try:
        for name, file in _files(source):
            size += file.stat().st_size
            if size > most_bytes:
                raise TooLarge(f"{source} has more than the {most_bytes} bytes that it may")
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)
            target.chmod(target.stat().st_mode | READABLE_FILE)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise DiskFull(f"{folder} can't be written: {error.strerror}") from None
        raise UnpackFailed(f"{source} can't be copied: {error}") from None
    if not any(folder.iterdir()):
        raise UnpackFailed(f"{source} is empty")
    return size


def etag_of(source: Path) -> str:
    """What changes with the files of a folder, or with a file and its signature.json."""
    digest = hashlib.sha256()
    for name, file in _files(source):
        stat = file.stat()
        digest.update(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def _files(source: Path) -> Iterator[tuple[Path, Path]]:
    """The files of a model, each with its path in the model's folder."""
    if source.is_file():
        beside = source.with_name(SIGNATURE)
        yield Path(source.name), source
        if beside.is_file() and beside != source:
            yield Path(SIGNATURE), beside
        return
    entries = list(source.iterdir())
    if [entry.name for entry in entries] == ["model"] and entries[0].is_dir():
        source = entries[0]
    for above, folders, names in os.walk(source):
        folders.sort()
        for name in sorted(names):
            file = Path(above, name)
            yield file.relative_to(source), file


def _check(member: tarfile.TarInfo, count: int) -> None:
    if count > MOST_MEMBERS:
        raise UnpackFailed(f"it holds more than {MOST_MEMBERS} files")
    if member.issym() or member.islnk():
        raise UnpackFailed(
            f"it holds a link, {member.name}: pack the files themselves, by "
            "tar --dereference --hard-dereference"
        )
    if not (member.isfile() or member.isdir()):
        raise UnpackFailed(f"it holds {member.name}, which is neither a file nor a folder")
    member.mode |= READABLE_FOLDER if member.isdir() else READABLE_FILE
