"""Find and import the module that a user wrote, with one type of error.

The order is the one SageMaker's users expect: ``code/`` inside the model directory, then
``SAGEMAKER_SUBMIT_DIRECTORY``, the model directory itself, and the algorithm folder baked into the
image. The module is ``inference`` unless ``SAGEMAKER_PROGRAM`` names another. All these folders are
on the path, whether or not they hold that module: a model may need their other modules to be
unpickled. So are their folders ``lib``, where the SDK puts ``dependencies=[...]``, and ``src``.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

from contract.errors import UserCodeError

# A user's file of one of these names would be imported in our place: the user's folder
# comes first on the path.
RESERVED_NAMES = frozenset({"byo", "contract", "handler", "training_entry"})
DEFAULT_PROGRAM = "inference.py"
# Where modules lie inside a folder of code, beside those that lie there directly.
MODULE_FOLDERS = ("lib", "src")


def find_program(directories: Sequence[Path], program: str | None) -> Path | None:
    """The first file named `program` in `directories`, or None if there is none to be had.

    Args:
        directories: where to look, in order; those that don't exist are passed over.
        program: the file asked for by name, with or without ``.py``, or as a module of a package
            (``package.module``); None for ``inference.py``.

    Raises:
        UserCodeError: a program was asked for by name and is in none of the directories.
    """
    name = Path(program or DEFAULT_PROGRAM)
    file = name if name.suffix == ".py" else name.with_name(f"{name.name}.py")
    files = [file]
    if program and file != name:
        files.append(Path(*str(name).split(".")).with_suffix(".py"))
    for directory in directories:
        for one in files:
            if (directory / one).is_file():
                return directory / one
    if program:
        searched = ", ".join(map(str, directories)) or "no folder"
        raise UserCodeError(f"SAGEMAKER_PROGRAM names {program}, which is not in: {searched}")
    return None


def module_folders(directories: Sequence[Path]) -> list[Path]:
    """The folders that modules may lie in: those of user code, with their ``lib`` and ``src``."""
    found = [one for top in directories for one in (top, *(top / n for n in MODULE_FOLDERS))]
    return [folder for folder in found if folder.is_dir()]


def make_importable(directories: Sequence[Path]) -> None:
    """Put folders of user code first on the path, in their order; what they lack is passed over.

    Behind each come its folders of modules. They stay there, so that the user's own modules import
    at any time.
    """
    names = [str(folder) for folder in module_folders(directories)]
    sys.path[:] = [*dict.fromkeys(names), *(entry for entry in sys.path if entry not in names)]
    _forget_listings(names)


def _forget_listings(folders: Sequence[str]) -> None:
    """Have folders be read again by the next import: their files may be younger than that shows.

    All other folders stay known, so that an import after a fork reads none of them again.
    """
    below = tuple(f"{folder}{os.sep}" for folder in folders)
    for known in tuple(sys.path_importer_cache):
        if known in folders or known.startswith(below):
            sys.path_importer_cache.pop(known, None)


def import_program(file: Path) -> ModuleType:
    """Import a user's file as a top-level module, its folder first on the path.

    Raises:
        UserCodeError: the file can't be imported; the message names the file, and the line
            where the user's own code failed. A module that the user's code misses is named as
            such and not mistaken for the user's file.
    """
    check_names([file.parent])
    make_importable([file.parent])
    try:
        return importlib.import_module(file.stem)
    except MemoryError:
        raise
    except BaseException as error:
        raise UserCodeError(f"{file} can't be imported: {describe(error, file.parent)}") from error


def check_names(directories: Iterable[Path]) -> None:
    """Refuse user files that would shadow this project's own packages.

    Raises:
        UserCodeError: names the file in the way.
    """
    for directory in directories:
        if not directory.is_dir():
            continue
        for entry in sorted(directory.iterdir()):
            importable = entry.suffix == ".py" or (entry / "__init__.py").is_file()
            if importable and entry.stem in RESERVED_NAMES:
                raise UserCodeError(f"{entry} takes the name of a package of ours: rename it")


def describe(error: BaseException, *directories: Path) -> str:
    """An exception in one line: its type, its message and where in the user's folders it arose.

    Args:
        error: the exception, with its traceback.
        directories: the user's folders: the innermost frame inside any of them is named.
    """
    try:
        message = str(error)
    except Exception:  # a class of the user's whose own message fails
        message = "its message can't be written"
    line = ": ".join(filter(None, [type(error).__name__, " ".join(message.split())]))
    place = None if isinstance(error, SyntaxError) else _place(error, directories)
    return f"{line} ({place})" if place else line


def _place(error: BaseException, directories: Sequence[Path]) -> str | None:
    """``file:line`` of the innermost frame of a traceback that lies in a folder of the user's."""
    place = None
    trace = error.__traceback__
    while trace is not None and directories:
        file = Path(trace.tb_frame.f_code.co_filename)
        if any(directory in file.parents for directory in directories):
            place = f"{file.name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
