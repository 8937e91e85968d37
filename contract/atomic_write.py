"""Files that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path


def write_whole(file: Path, text: str, errors: str = "strict") -> None:
    """Write a text file in one step: a job stopped midway leaves no half of it.

    Args:
        file: the file.
        text: what it is to hold, in UTF-8.
        errors: what becomes of characters that UTF-8 does not have, as `str.encode` takes it.

    Raises:
        OSError: it can't be written.
    """
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(text, encoding="utf-8", errors=errors)
    partial.replace(file)
