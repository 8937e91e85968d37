"""The files whose change asks for a model to be loaded anew: code, and what models consist of.

They are found by looking, not by the kernel's notices, which come neither from a disk of another
machine nor through every engine's mounts.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from contract.settings import ServingSettings
from handler.fork_server.saved_requests import read_saved

# A file's time, size and number: one that was renamed into its place has another number.
Stamp = tuple[int, int, int]
Files = dict[str, Stamp]
# The upper folders come first: that is where code lies.
MOST_FILES = 10_000
SAMPLE = "sample"
# Beside hidden ones, and environments.
SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules"})
ENVIRONMENT_MARK = "pyvenv.cfg"
# What editors and programs write beside a file, or before they rename it.
SKIPPED_BEGINNINGS = (".", "#")
SKIPPED_ENDINGS = (
    ".pyc", ".log", ".tmp", ".part", ".swp", "~", "___jb_tmp___", "___jb_old___",
)  # fmt: skip
SKIPPED_NAMES = frozenset({"4913"})  # with which vim tries a folder out


@dataclass(frozen=True)
class WatchedFolder:
    """A folder, and the files in it that count.

    Args:
        place: the folder.
        files: the files, with what tells a changed one.
        is_whole: whether these are all.
    """

    place: str
    files: Files
    is_whole: bool = True


class WatchedFiles:
    """What a server loads its models from, as it is at a moment.

    Args:
        settings: the serving settings.
        scratch: the server's scratch folder, where the models of a multi-model server are noted.
    """

    def __init__(self, settings: ServingSettings, scratch: Path) -> None:
        self._settings = settings
        self._scratch = scratch
        self._models: dict[str, WatchedFolder] = {}

    @property
    def later(self) -> list[str]:
        """What will count, too, in a few words."""
        return ["the models that will be loaded"] if self._settings.multi_model else []

    def look(self) -> list[WatchedFolder]:
        """The folders of code and of models, with what is in them now.

        A model's folder that is empty, as training makes it at first, counts as it was before.
        """
        sample = {str(self._settings.algorithm_dir.absolute() / SAMPLE)}
        code = [look_into(folder, sample) for folder in self._code_folders()]
        models = {}
        for folder in self._model_folders():
            seen = look_into(folder, sample)
            models[folder] = seen if seen.files else self._models.get(folder, seen)
        self._models = models
        return [*(each for each in code if each.place not in models), *models.values()]

    def _code_folders(self) -> Iterator[str]:
        if self._settings.submit_dir:
            yield str(self._settings.submit_dir.absolute())
        yield str(self._settings.algorithm_dir.absolute())

    def _model_folders(self) -> list[str]:
        if not self._settings.multi_model:
            return [str(self._settings.paths.model.absolute())]
        try:
            return [str(request.model_dir.absolute()) for request in read_saved(self._scratch)]
        except FileNotFoundError:  # one has just been unloaded
            return list(self._models)


def look_into(folder: str, skipped: Collection[str] = ()) -> WatchedFolder:
    """A folder's files that count; the uppermost, where there are too many.

    Args:
        folder: the folder; one that is not there has none.
        skipped: folders in it that don't count.
    """
    files: Files = {}
    waiting, entered = deque([folder]), _number_of(folder)
    while waiting:
        for entry in _entries(waiting.popleft(), folder):
            try:
                is_folder, told = entry.is_dir(), entry.stat()
            except OSError:  # gone by now, or a link to nowhere
                continue
            if is_folder:
                number = (told.st_dev, told.st_ino)  # a link may lead back to where it lies
                if is_entered(entry.name) and entry.path not in skipped and number not in entered:
                    entered.add(number)
                    waiting.append(entry.path)
            elif counts(entry.name):
                if len(files) == MOST_FILES:
                    return WatchedFolder(folder, files, is_whole=False)
                files[entry.path] = (told.st_mtime_ns, told.st_size, told.st_ino)
    return WatchedFolder(folder, files)


def is_entered(name: str) -> bool:
    """Whether what lies in a folder of this name may count."""
    return not (name.startswith(".") or name in SKIPPED_FOLDERS)


def counts(name: str) -> bool:
    """Whether a file of this name may be code, or a part of a model."""
    return not (
        name.startswith(SKIPPED_BEGINNINGS)
        or name.endswith(SKIPPED_ENDINGS)
        or name in SKIPPED_NAMES
    )


def differing(before: Files, after: Files) -> set[str]:
    """The files that are not the same: others, new ones, and those that are gone."""
    return {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}


def names_of(files: Collection[str], folders: Iterable[str]) -> str:
    """Files by the name that their user knows: that of the folder, and the way in it."""
    known = sorted(folders, key=len)
    names = sorted(_name(one, known) for one in files)
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _name(file: str, folders: list[str]) -> str:
    """The name in the innermost of some folders, the shortest of which come first."""
    holding = [folder for folder in folders if file.startswith(f"{folder}/")]
    return os.path.relpath(file, Path(holding[-1]).parent) if holding else file


def _number_of(folder: str) -> set[tuple[int, int]]:
    with suppress(OSError):
        told = Path(folder).stat()
        return {(told.st_dev, told.st_ino)}
    return set()


def _entries(folder: str, top: str) -> list[os.DirEntry[str]]:
    """What a folder holds; nothing, where it is an environment inside the top one."""
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except OSError:  # gone by now, or not to be read
        return []
    is_environment = any(entry.name == ENVIRONMENT_MARK for entry in entries)
    return [] if is_environment and folder != top else entries
