"""The /opt/ml tree that commands keep in the current folder."""

from __future__ import annotations

from pathlib import Path

OWN_TREE = ".byo"


def own_tree() -> Path:
    """The tree's folder, made if there is none, and kept out of the user's version control."""
    tree = Path(OWN_TREE)
    tree.mkdir(exist_ok=True)
    (tree / ".gitignore").write_text("*\n", encoding="utf-8")
    return tree
