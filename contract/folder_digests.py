"""The files of a model folder, and the SHA-256 of each: what pins and signatures are held against.

Nothing that a link leads to outside of the folder counts as a part of it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contract.errors import LONGEST_NAME, ModelLoadError, one_line

MOST_FILES = 100_000
MOST_NAMES = 6


class FolderDigests:
    """The digests of a folder's files, each computed once.

    Args:
        folder: the model folder.

    Raises:
        ModelLoadError: something in it can't be said a digest of: a link that leads out of it, or
            to a folder, or nowhere; what is neither file nor folder; what can't be read.
    """

    def __init__(self, folder: Path) -> None:
        self._files = files_in(folder)
        self._known: dict[tuple[str, str], str] = {}

    @property
    def names(self) -> set[str]:
        """The files, by their path in the folder."""
        return set(self._files)

    def of(self, name: str, algorithm: str = "sha256") -> str:
        """A file's digest, in hexadecimal digits."""
        known = self._known.get((name, algorithm))
        if known is None:
            known = self._known[name, algorithm] = _digest(self._files[name], algorithm)
        return known


@dataclass
class Difference:
    """How a folder differs from what was noted of it.

    Args:
        changed: files whose content is another.
        added: files that were not there.
        missing: files that are not there any more.
    """

    changed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @classmethod
    def between(
        cls, noted: Mapping[str, str], found: FolderDigests, algorithm: str = "sha256"
    ) -> Difference:
        """That between digests that were noted, by file, and those that are found."""
        return cls(
            changed=[
                name
                for name in sorted(noted.keys() & found.names)
                if found.of(name, algorithm) != noted[name]
            ],
            added=sorted(found.names - noted.keys()),
            missing=sorted(noted.keys() - found.names),
        )

    def __bool__(self) -> bool:
        return bool(self.changed or self.added or self.missing)

    def __str__(self) -> str:
        parts = (("changed", self.changed), ("added", self.added), ("missing", self.missing))
        return "; ".join(f"{word}: {listed(names)}" for word, names in parts if names)


def listed(names: Iterable[str]) -> str:
    """Some names of files in one line; the first of them, where there are many."""
    every = list(names)
    shown = [one_line(name, LONGEST_NAME) for name in every[:MOST_NAMES]]
    more = f" and {len(every) - MOST_NAMES} more" if len(every) > MOST_NAMES else ""
    return ", ".join(shown) + more


def files_in(folder: Path) -> dict[str, Path]:
    """Every file of a folder by its path in it, with slashes.

    Raises:
        ModelLoadError: see `FolderDigests`.
    """
    root = folder.resolve()
    found: dict[str, Path] = {}
    waiting = [""]
    try:
        while waiting:
            below = waiting.pop()
            with os.scandir(root / below) as entries:
                for entry in entries:
                    name = below + entry.name
                    if _is_folder(entry, name, root):
                        waiting.append(f"{name}/")
                    else:
                        found[name] = Path(entry.path)
            if len(found) > MOST_FILES:
                raise ModelLoadError(f"{folder} holds more than {MOST_FILES} files")
    except OSError as error:
        raise ModelLoadError(
            f"{error.filename or folder} can't be read: {error.strerror}"
        ) from None
    return found


def _is_folder(entry: os.DirEntry[str], name: str, root: Path) -> bool:
    """Whether an entry is a folder, and not a file.

    Raises:
        ModelLoadError: it is neither, or a link that counts as neither.
    """
    if not entry.is_symlink():
        mode = entry.stat(follow_symlinks=False).st_mode
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
            raise ModelLoadError(f"{listed([name])} in {root} is neither a file nor a folder")
        return stat.S_ISDIR(mode)
    leads_to = one_line(str(Path(entry.path).readlink()), LONGEST_NAME)
    where = f"{listed([name])} in {root} is a link to {leads_to}"
    target = Path(os.path.realpath(entry.path))
    if not target.is_relative_to(root):
        raise ModelLoadError(f"{where}, out of the folder: pack the file itself")
    if not target.is_file():
        raise ModelLoadError(f"{where}, which is no file: pack what it should lead to")
    return False


def _digest(file: Path, algorithm: str) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, algorithm).hexdigest()
    except OSError as error:
        raise ModelLoadError(f"{file} can't be read: {error.strerror}") from None
