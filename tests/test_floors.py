"""Imports point down: the floors of docs/architecture.md, held against the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = {"contract": 0, "handler": 1, "training_entry": 1, "byo": 2, "sagemaker_containers": 2}
FOLDERS = {"sagemaker_containers": "compat/sagemaker_containers"}
# Floor 0 must be cheap to import anywhere: beside the standard library it knows numpy alone.
FOREIGN_TO_CONTRACT = {
    "dask", "distributed", "joblib", "mms", "orjson", "pandas", "psutil", "pyarrow",
    "sagemaker_inference", "sagemaker_training", "scipy", "sklearn",
}  # fmt: skip


def imported(file: Path) -> Iterator[str]:
    """The top-level names that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute here"
            yield (node.module or "").split(".")[0]


@pytest.mark.parametrize("package", FLOORS)
def test_imports_point_down(package: str) -> None:
    """A package imports itself and the floors below, never its own floor's or a higher one."""
    files = sorted((ROOT / FOLDERS.get(package, package)).rglob("*.py"))

    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files
        if "templates" not in file.parts
        for name in imported(file)
        if name in FLOORS and name != package and FLOORS[name] >= FLOORS[package]
    ]

    assert files
    assert wrong == []


def test_contract_knows_numpy_at_most() -> None:
    """Floor 0 imports neither scikit-learn nor anything that costs like it."""
    names = {name for file in (ROOT / "contract").glob("*.py") for name in imported(file)}

    assert names & FOREIGN_TO_CONTRACT == set()
