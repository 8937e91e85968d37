"""Compile Python files to bytecode that is never checked against them: quicker, and reproducible.

    python compile_bytecode.py FOLDER ROOT

Bytecode is written below ROOT, at the path that the file has in the image: beside the file if ROOT
is / or holds the folder. Files that have bytecode already are left alone, and so are those that
are not Python of this version.
"""

from __future__ import annotations

import contextlib
import py_compile
import sys
from importlib.util import cache_from_source
from pathlib import Path

# Parts of the standard library that neither a job nor a server imports.
LEFT_OUT = {"ensurepip", "idlelib", "lib2to3", "pydoc_data", "tkinter", "turtledemo"}


def main(folder: Path, root: Path) -> None:
    """Compile one by one and in order: what is interned earlier shows in later bytecode."""
    for source in sorted(folder.rglob("*.py")):
        if LEFT_OUT.isdisjoint(source.relative_to(folder).parts[:1]):
            compile_file(source, root)


def compile_file(source: Path, root: Path) -> None:
    if Path(cache_from_source(str(source))).exists():
        return
    below = root if source.is_relative_to(root) else "/"
    path = Path("/", source.relative_to(below))  # what a traceback shows
    bytecode = root / cache_from_source(str(path)).removeprefix("/")
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    with contextlib.suppress(py_compile.PyCompileError):
        py_compile.compile(str(source), str(bytecode), str(path), True, invalidation_mode=mode)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
