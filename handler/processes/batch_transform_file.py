"""What GET /execution-parameters answers: a file in the scratch folder, for the guard."""

from __future__ import annotations

from pathlib import Path

FILE = "execution-parameters.json"


def write(folder: Path, document: str) -> None:
    """Have a JSON document answered from now on.

    Args:
        folder: the scratch folder.
        document: the document's text.
    """
    new = folder / f"{FILE}.new"
    new.write_text(f"{document}\n", encoding="utf-8")
    new.replace(folder / FILE)
