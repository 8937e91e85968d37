"""What is noted of models' memory: small files in the scratch folder, which outlive every process.

    memory/HASH          of a model's name: what its last load took, and of which files
    memory/HASH.refused  why its last load was refused; the guard answers LOAD with that
    memory/kind-HASH     of a kind of artifact: the least that a load took for each of its bytes
    memory/loading/PID   a load under way: what it is expected to take, and had before

The guard in the JVM (`ModelNotes.java`) reads the first two.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from contract.machine import MEBIBYTE
from handler.processes import launcher_pipes
from handler.processes.process_memory import anonymous_bytes

FOLDER = "memory"
REFUSED = ".refused"
# Where models come and go for months, those that were loaded last are known.
MOST_NOTES = 4096
PRUNE_EACH = 64


@dataclass(frozen=True)
class LoadNote:
    """What a load took.

    Args:
        model: the model's name.
        files: its folder and what tells whether its files are the same.
        memory: bytes of its process's own memory, once it had loaded.
        peak: bytes that it took at most while it loaded.
    """

    model: str
    files: str
    memory: int
    peak: int


@dataclass(frozen=True)
class RefusalNote:
    """Why a load was refused.

    Args:
        needed: bytes that it needs, at least.
        free: bytes that were free.
        limit: of how many.
    """

    needed: int
    free: int
    limit: int

    @classmethod
    def beyond(cls, free: int, expected: int, limit: int) -> RefusalNote:
        """More is needed than is free, and at least what is expected."""
        return cls(max(expected, free + MEBIBYTE), free, limit)


class MemoryNotes:
    """The notes of one server.

    Args:
        folder: the server's scratch folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._loading = self._folder / "loading"

    @classmethod
    def of_this_process(cls) -> MemoryNotes | None:
        """Those of the server that this process belongs to; None outside of a server."""
        folder = os.environ.get(launcher_pipes.DIR_VARIABLE)
        return cls(Path(folder)) if folder else None

    def note_loaded(self, note: LoadNote) -> None:
        """A model has loaded."""
        self._write(_hashed(note.model), asdict(note))
        if random.randrange(PRUNE_EACH) == 0:  # noqa: S311
            self._prune()

    def loaded(self, model: str) -> LoadNote | None:
        """What a model's last load took, if it is known."""
        with contextlib.suppress(TypeError):
            return LoadNote(**self._read(_hashed(model)))
        return None

    def note_refused(self, model: str, note: RefusalNote, reason: str) -> None:
        """A model's load is refused, for a reason in one line."""
        self._write(_hashed(model) + REFUSED, {**asdict(note), "reason": reason})

    def note_kind(self, kind: str, ratio: float) -> None:
        """A load of a kind of artifact took so many bytes for each of the artifact's."""
        least = self.least_ratio(kind)
        if least is None or ratio < least:
            self._write(f"kind-{_hashed(kind)}", {"ratio": ratio})

    def least_ratio(self, kind: str) -> float | None:
        """The least that a load of a kind took for each byte; None where none is known."""
        ratio = self._read(f"kind-{_hashed(kind)}").get("ratio")
        return ratio if isinstance(ratio, float) else None

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """While one load is weighed against what is free, no other is."""
        try:
            lock = self._open_lock()
        except OSError:  # it is gone when `serve` ends; a full disk is no reason to refuse
            yield
            return
        with lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            yield

    def _open_lock(self) -> BinaryIO:
        file = self._folder / "lock"
        try:
            return file.open("wb")
        except FileNotFoundError:  # by the first load
            self._loading.mkdir(parents=True, exist_ok=True)
            return file.open("wb")

    def reserve(self, expected: int, before: int) -> None:
        """Called in a process that loads: what that is expected to take, and what it has had."""
        with contextlib.suppress(OSError):
            (self._loading / str(os.getpid())).write_text(f"{expected} {before}", encoding="utf-8")

    def reserved(self) -> int:
        """What other loads under way are still to take."""
        return sum(max(0, expected - taken) for expected, taken in self._others())

    def release_own(self) -> None:
        """Called in a process that loads: that has ended."""
        self.release(os.getpid())

    def reservation(self, pid: int) -> tuple[int, int]:
        """What a process's load is expected to take, and what it had before; 0 where not known."""
        with contextlib.suppress(OSError, ValueError):
            text = (self._loading / str(pid)).read_text(encoding="utf-8")
            expected, before = map(int, text.split())
            return expected, before
        return 0, 0

    def release(self, pid: int) -> None:
        """A process's load has ended, be it with the process."""
        with contextlib.suppress(OSError):
            (self._loading / str(pid)).unlink(missing_ok=True)

    def _others(self) -> Iterator[tuple[int, int]]:
        """What each of them is expected to take, and has taken."""
        for file in self._loading.iterdir() if self._loading.is_dir() else ():
            if file.name == str(os.getpid()):
                continue
            try:
                expected, before = map(int, file.read_text(encoding="utf-8").split())
                yield expected, anonymous_bytes(int(file.name)) - before
            except (OSError, ValueError):  # it has ended
                self.release(int(file.name))

    def _read(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads((self._folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, name: str, members: dict[str, Any]) -> None:
        new = self._folder / f"{name}.{os.getpid()}.new"
        with contextlib.suppress(OSError):  # notes are nothing to fail by
            self._folder.mkdir(exist_ok=True)
            new.write_text(json.dumps(members), encoding="utf-8")
            new.replace(self._folder / name)

    def _prune(self) -> None:
        with contextlib.suppress(OSError):
            files = [one for one in os.scandir(self._folder) if one.is_file()]
            files.sort(key=lambda one: one.stat().st_mtime, reverse=True)
            for one in files[MOST_NOTES:]:
                Path(one.path).unlink(missing_ok=True)


def _hashed(name: str) -> str:
    """A name that a file can have, whatever the model's is."""
    return hashlib.sha256(name.encode(errors="replace")).hexdigest()
