"""Model folders for the image to serve, and requests to them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from contract import Paths
from tests.container.conftest import ALGORITHM

# Six penguins with a header, and what the trained model takes them for.
PENGUINS = (ALGORITHM.folder / "sample" / "payload.csv").read_bytes()
SPECIES = ["Adelie", "Adelie", "Gentoo", "Gentoo", "Chinstrap", "Chinstrap"]
AS_CSV = "".join(f"{one}\n" for one in SPECIES).encode()
# Answers its model's name, and runs the code that the folder was made with.
NAMED = "def predict_fn(data, model): return [{name!r}]\n"


def with_code(trained: Paths, folder: Path, files: Mapping[str, str | Path]) -> Path:
    """A copy of the trained model, with a code/ folder of its own.

    Args:
        trained: the tree that holds the trained model.
        folder: where the copy is made.
        files: for each name in code/, its text, or the file that is copied.
    """
    shutil.copytree(trained.model, folder)
    code = folder / "code"
    code.mkdir()
    for name, content in files.items():
        if isinstance(content, Path):
            shutil.copy(content, code / name)
        else:
            (code / name).write_text(content, encoding="utf-8")
    return folder


def named(trained: Paths, folder: Path, name: str) -> Path:
    """A copy of the trained model that answers every invocation with a name."""
    return with_code(trained, folder, {"inference.py": NAMED.format(name=name)})
