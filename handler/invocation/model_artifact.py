"""The model artifact in a model directory: which file it is, and what it holds once unpickled."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contract.errors import ModelLoadError
from contract.user_module import describe
from handler.invocation.main_module import advice_on
from handler.invocation.skops_artifact import SUFFIX as SKOPS
from handler.invocation.skops_artifact import load_skops

ARTIFACT_NAMES = ("model.joblib", "model.pkl")
SKOPS_NAME = f"model{SKOPS}"
JOBLIB_SUFFIXES = (".joblib", ".jl")
PICKLE_SUFFIXES = (".pkl", ".pickle", ".sav", ".p", ".cloudpickle", ".dill")
ARTIFACT_SUFFIXES = (*JOBLIB_SUFFIXES, *PICKLE_SUFFIXES, SKOPS)
# What joblib and pickle's users add for a compressed file; joblib tells by the content.
COMPRESSIONS = (".gz", ".z", ".bz2", ".xz", ".lzma", ".lz4")
# Beside the model, and never it.
PARTIAL_SUFFIXES = (".part", ".partial", ".tmp", ".crdownload", ".download")
ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")
FOREIGN_FOLDERS = frozenset({"__MACOSX", "__pycache__"})
MOST_NAMES = 12
# By what a file begins with: what it is instead of a model.
FOREIGN_CONTENT = (
    (b"\x00\x05\x16\x07", "it holds what macOS notes about a file, not the file"),
    (b"version https://git-lfs", "it is Git LFS's pointer to the file: fetch it by git lfs pull"),
    (b"<?xml", "it is an XML document, as a failed download leaves one"),
    (b"<!DOCTYPE", "it is an HTML page, as a failed download leaves one"),
    (b"<html", "it is an HTML page, as a failed download leaves one"),
    (b"PK\x03\x04", f"it is a zip archive, as a skops file is: name that {SKOPS_NAME}"),
)


def load_artifact(model_dir: Path, trusted: Sequence[str] = ()) -> Any:
    """The default ``model_fn``: the joblib, pickle or skops file in a model directory.

    ``model.joblib``, ``model.pkl`` or ``model.skops``, else the only file with such an ending.

    Args:
        model_dir: the model directory.
        trusted: the types beside its own that skops may make objects of.

    Raises:
        ModelLoadError: there is no such file, or more than one, or it can't be loaded.
    """
    import joblib  # here, so that a user's own model_fn need not pay for it

    artifact = find_artifact(model_dir)
    if artifact.name.lower().endswith(SKOPS):
        return load_skops(artifact, trusted)
    try:
        return joblib.load(artifact)
    except MemoryError:
        raise
    except BaseException as error:
        advice = _content_advice(artifact) or advice_on(error) or _module_advice(error)
        raise ModelLoadError(f"{artifact} can't be loaded: {describe(error)}{advice}") from error


def find_artifact(model_dir: Path) -> Path:
    """The one model artifact in a model directory.

    Hidden files don't count, such as those that macOS packs beside each file of an archive.

    Raises:
        ModelLoadError: there is none, or it is not clear which is meant; the message lists what
            is there.
    """
    if not model_dir.is_dir():
        raise ModelLoadError(f"{model_dir} is not a folder")
    named = [name for name in (*ARTIFACT_NAMES, SKOPS_NAME) if _is_there(model_dir / name)]
    if SKOPS_NAME in named[1:]:
        raise ModelLoadError(
            f"{model_dir} holds {' and '.join(named)}, and nothing tells which is the model: leave "
            "the one that is"
        )
    if named:
        return model_dir / named[0]
    found = sorted(file for file in model_dir.iterdir() if _is_artifact(file))
    if len(found) == 1:
        return found[0]
    if found:
        raise ModelLoadError(
            f"{model_dir} holds several artifacts ({_listed(f.name for f in found)}): save the "
            "model as model.joblib, or write a model_fn"
        )
    raise ModelLoadError(f"{model_dir} holds no artifact: {_instead(model_dir)}")


def _is_there(artifact: Path) -> bool:
    """Whether there is such a file.

    Raises:
        ModelLoadError: it is a link to nowhere.
    """
    if artifact.is_symlink() and not artifact.is_file():
        raise ModelLoadError(
            f"{artifact} is a link to {artifact.readlink()}, which is not there: pack the file "
            "itself"
        )
    return artifact.is_file()


def further_artifacts(model_dir: Path) -> list[Path]:
    """What could be artifacts as well, beside the one that is the model."""
    model = find_artifact(model_dir)
    return sorted(file for file in model_dir.iterdir() if file != model and _is_artifact(file))


def _is_artifact(file: Path) -> bool:
    return not file.name.startswith(".") and bool(format_of(file.name)) and file.is_file()


def format_of(name: str) -> str | None:
    """The format of the artifact that a file of this name is; None where it is none."""
    name = name.lower()
    if name.endswith(SKOPS):
        return "skops"
    for ending in COMPRESSIONS:
        name = name.removesuffix(ending)
    if name.endswith(JOBLIB_SUFFIXES):
        return "joblib"
    return "pickle" if name.endswith(PICKLE_SUFFIXES) else None


def _instead(model_dir: Path) -> str:
    """What there is where no artifact is, and what to do."""
    inside = sorted(_deeper(model_dir))
    if inside:
        return (
            f"{_listed(inside)} lies in a folder below it. Pack the files, not their folder: "
            "tar -C that folder -czf model.tar.gz ."
        )
    names = sorted(one.name + "/" * one.is_dir() for one in model_dir.iterdir())
    archives = [name for name in names if _ends(name, ARCHIVE_SUFFIXES)]
    if archives:
        return f"{_listed(archives)} lies there packed: unpack it into the folder"
    partial = [name for name in names if _ends(name, PARTIAL_SUFFIXES)]
    if partial:
        return f"{_listed(partial)} looks like a download that was broken off: fetch it again"
    shown = [name for name in names if not name.startswith(".")]
    what = f"it holds {_listed(shown)}" if shown else "it is empty"
    return f"{what}. Save the model as model.joblib, or write a model_fn"


def _deeper(model_dir: Path) -> list[str]:
    """The artifacts in folders of a model directory, but for those of users' code."""
    found = []
    for folder, folders, files in os.walk(model_dir):
        here = Path(folder)
        if here == model_dir:
            folders[:] = [name for name in folders if name != "code"]
        folders[:] = [n for n in folders if n not in FOREIGN_FOLDERS and not n.startswith(".")]
        found += [str((here / n).relative_to(model_dir)) for n in files if _is_artifact(here / n)]
        if len(found) > MOST_NAMES:
            break
    return found


def _ends(name: str, endings: tuple[str, ...]) -> bool:
    return not name.startswith(".") and name.lower().endswith(endings)


def _listed(names: Any) -> str:
    shown = list(names)
    more = f" and {len(shown) - MOST_NAMES} more" if len(shown) > MOST_NAMES else ""
    return ", ".join(shown[:MOST_NAMES]) + more


def _module_advice(error: BaseException) -> str:
    """What to do where a pickle refers to a module that is not here."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    top = error.name.partition(".")[0]
    if top != error.name and top in sys.modules:
        return f". The {top} that is installed is of another version than the one that saved it"
    return (
        f". The model was saved with the module {top}: put it into code/, or the package that has "
        "it into code/requirements.txt"
    )


def _content_advice(artifact: Path) -> str:
    """What a file is that is no model, by how it begins; empty where that is not known."""
    with artifact.open("rb") as stream:
        begin = stream.read(64)
    if not begin:
        return ". The file is empty: was a download or an upload broken off?"
    for magic, what in FOREIGN_CONTENT:
        if begin.startswith(magic):
            return f": {what}"
    return ""
