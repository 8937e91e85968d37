"""``SHA256SUMS`` beside a model: what each of its files was when training ended.

The file has the form of the command sha256sum, so ``sha256sum -c SHA256SUMS`` in the model folder
checks it as well. Training writes it, serving holds the folder against it before anything in there
is unpickled or imported.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

from contract.atomic_write import write_whole
from contract.errors import ModelLoadError
from contract.folder_digests import Difference, FolderDigests, listed

logger = logging.getLogger(__name__)

FILE_NAME = "SHA256SUMS"
# Made after the pins, where it is made.
SIGNATURE_NAME = "model.sig"
VARIABLE = "BYO_MODEL_PINS"
# The first is the default: what is pinned is checked, and what is not is served.
MODES = ("check", "require", "off")
# Where the SageMaker SDK puts code beside a model that was trained before.
CODE = "code/"
# What nothing of a model is read from: the archives of the job, which the SDK's local mode unpacks
# where it has put them, and what macOS adds to an archive that is packed there.
LEFT_BY_TOOLS = re.compile(r"[^/]+\.tar\.gz|(.*/)?(\.DS_Store|\._[^/]*)", re.DOTALL)
MOST_BYTES = 64 * 1024 * 1024
LINE = re.compile(r"(\\?)([0-9a-fA-F]{64}) [ *](.+)")
ESCAPES = {"\\\\": "\\", "\\n": "\n", "\\r": "\r"}
ESCAPED = re.compile(r"\\[\\nr]")


def write_pins(model_dir: Path) -> int:
    """Write ``SHA256SUMS`` over all files of a model folder; returns how many there are.

    A folder without files gets none.

    Raises:
        ModelLoadError: a file of it can't be pinned; the message names it.
        OSError: it can't be written.
    """
    found = FolderDigests(model_dir)
    names = sorted(found.names - {FILE_NAME, SIGNATURE_NAME})
    if names:
        text = "".join(f"{_line(found.of(name), name)}\n" for name in names)
        write_whole(model_dir / FILE_NAME, text, errors="surrogateescape")
    return len(names)


def has_pins(model_dir: Path) -> bool:
    """Whether a model folder has pins, be they good or not."""
    return os.path.lexists(model_dir / FILE_NAME)


def check_pins(model_dir: Path, mode: str = MODES[0], found: FolderDigests | None = None) -> None:
    """Hold a model folder against its pins.

    Args:
        model_dir: the model folder.
        mode: ``check`` them where they are there, ``require`` them, or ``off``.
        found: the folder's digests, where they are known.

    Raises:
        ModelLoadError: a file has changed, was added or is missing, or there are no pins where they
            are required; the message names the files, and what to do.
    """
    if mode == "off":
        return
    if not has_pins(model_dir):
        if mode == "require":
            raise ModelLoadError(
                f"{model_dir} has no {FILE_NAME}, which {VARIABLE}=require asks for: training jobs "
                f"write it, and `byo pin {model_dir}` does"
            )
        return
    found = found or FolderDigests(model_dir)
    pins = read_pins(model_dir / FILE_NAME)
    difference = Difference.between(pins, found)
    difference.added = [n for n in difference.added if n not in (FILE_NAME, SIGNATURE_NAME)]
    if mode == "check":
        _tell_left_by_tools(difference)
        if not any(name.startswith(CODE) for name in pins):
            _tell_code_of_later(difference)
    if difference:
        raise ModelLoadError(
            f"{model_dir} is not as {FILE_NAME} has it ({difference}): nothing of it is loaded. "
            f"After a change of your own, `byo pin {model_dir}` writes it anew; {VARIABLE}=off "
            "does without"
        )


def read_pins(file: Path) -> dict[str, str]:
    """The digests in a file of sha256sum's form, by the names of the files.

    Raises:
        ModelLoadError: it can't be read; the message names the line.
    """
    try:
        if file.stat().st_size > MOST_BYTES:
            raise ModelLoadError(f"{file} has more than {MOST_BYTES} bytes")
        text = file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise ModelLoadError(f"{file} can't be read: {error.strerror}") from None
    pins: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.removesuffix("\r")
        if not line:
            continue
        found = LINE.fullmatch(line)
        if found is None:
            raise ModelLoadError(f"{file}, line {number}, is not of the form that sha256sum writes")
        escape, digest, name = found.groups()
        if escape:
            name = ESCAPED.sub(lambda each: ESCAPES[each[0]], name)
        name = name.removeprefix("./")
        if name == FILE_NAME:  # as `sha256sum *` has it of the file that it is just writing
            continue
        if pins.setdefault(name, digest.lower()) != digest.lower():
            raise ModelLoadError(f"{file} has two digests of {listed([name])}")
    return pins


def _tell_left_by_tools(difference: Difference) -> None:
    left = [name for name in difference.added if LEFT_BY_TOOLS.fullmatch(name)]
    if left:
        logger.info("%s came after training and is no part of the model", listed(left))
        difference.added = [name for name in difference.added if name not in left]


def _tell_code_of_later(difference: Difference) -> None:
    """Where training pinned no code, what lies in ``code/`` was put there to serve the model."""
    later = [name for name in difference.added if name.startswith(CODE)]
    if later:
        logger.warning(
            "%s came after training, which pinned no code: it is run as it is (%s=require would "
            "refuse it)",
            listed(later),
            VARIABLE,
        )
        difference.added = [name for name in difference.added if name not in later]


def _line(digest: str, name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if escaped == name else chr(92)}{digest}  {escaped}"
