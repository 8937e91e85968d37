"""The lines of a requirements file and of the files that it names, as pip reads them."""

from __future__ import annotations

import codecs
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FILE_NAME = "requirements.txt"
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_COMMENT = re.compile(r"(^|\s)#.*")
# Options of one requirement, such as its hashes.
_OWN_OPTIONS = re.compile(r"\s--")


class Kind(StrEnum):
    """What a line asks of pip."""

    REQUIREMENT = "requirement"
    EDITABLE = "editable"
    FILE = "file"
    CONSTRAINTS = "constraints"
    FIND_LINKS = "find-links"
    OPTION = "option"


_OPTIONS = {
    "-r": Kind.FILE,
    "--requirement": Kind.FILE,
    "-c": Kind.CONSTRAINTS,
    "--constraint": Kind.CONSTRAINTS,
    "-e": Kind.EDITABLE,
    "--editable": Kind.EDITABLE,
    "-f": Kind.FIND_LINKS,
    "--find-links": Kind.FIND_LINKS,
}


@dataclass(frozen=True)
class Line:
    """One thing that a file asks for.

    Args:
        file: the file that it stands in.
        number: where it begins there.
        text: the whole line, without its comment.
        kind: what it is.
        value: the requirement without options of its own, or what the option names.
        constrains: whether it stands in a file of constraints, which asks for nothing by itself.
    """

    file: Path
    number: int
    text: str
    kind: Kind
    value: str
    constrains: bool = False


def read_lines(file: Path) -> list[Line]:
    """What a file asks for, and the files that it names in their turn, each file once.

    A file that is not there has no lines; the line that names it stays.
    """
    return list(_read(file, constrains=False, seen=set()))


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines without comments, those that end in a backslash joined, each with its number."""
    start, joined = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        start = start or number
        # A comment takes no next line along.
        if line.endswith("\\") and not _COMMENT.match(line):
            joined += line[:-1] + " "
            continue
        content = _COMMENT.sub("", joined + line).strip()
        if content:
            yield start, content
        start, joined = 0, ""
    if joined.strip():
        yield start, joined.strip()


def text_of(file: Path) -> str:
    """A file's text by its byte order mark, else UTF-8; what is neither is for pip to judge."""
    data = file.read_bytes()
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    return data.decode(encoding, errors="replace")


def is_address(value: str) -> bool:
    """Whether it names something elsewhere rather than a path."""
    return "://" in value and not value.startswith("file:")


def _read(file: Path, *, constrains: bool, seen: set[Path]) -> Iterator[Line]:
    if not file.is_file() or file.resolve() in seen:
        return
    seen.add(file.resolve())
    for number, text in logical_lines(text_of(file)):
        for kind, value in _parts(text):
            yield Line(file, number, text, kind, value, constrains)
            if kind in (Kind.FILE, Kind.CONSTRAINTS) and not is_address(value):
                inner = constrains or kind is Kind.CONSTRAINTS
                yield from _read(file.parent / value, constrains=inner, seen=seen)


def _parts(text: str) -> Iterator[tuple[Kind, str]]:
    """A requirement, or the options of a line that has such."""
    if not text.startswith("-"):
        yield Kind.REQUIREMENT, _OWN_OPTIONS.split(text, maxsplit=1)[0].strip()
        return
    try:
        words = iter(shlex.split(text))
    except ValueError:  # quotation marks that do not end, which pip will name
        yield Kind.OPTION, text
        return
    for word in words:
        name, is_long, value = word.partition("=") if word.startswith("--") else (word[:2], "", "")
        value = value if is_long else word[2:] if not word.startswith("--") else ""
        if name in _OPTIONS:
            yield _OPTIONS[name], value or next(words, "")
        elif word.startswith("-"):
            yield Kind.OPTION, word
