"""Imports point down: the floors of docs/architecture.md, held against the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = {"sagemaker_containers": "compat/sagemaker_containers"}
# Who may import whom: from the right to the left, and within a room. What stands in one place
# stands side by side, and may not import each other.
PACKAGES = "contract < handler | training_entry < byo | sagemaker_containers"
ROOMS = {
    "handler": (
        "processes < metrics < codecs < invocation < protocol < host < fork_server | service "
        "< serve"
    ),
    "training_entry": (
        "job < hyperparameters < channels | metrics | checkpoint | pinned_model < script "
        "< before_script < cluster < toolkit_run | main < launch"
    ),
    "byo": (
        "command_errors < algorithm_folder | child_processes | content_types | table "
        "| junit_report < body_values < tree | prerequisites < objects < local_training < endpoint "
        "| local_hosts | containers < served_container < runtime | transform | container_rules "
        "< recorded < contract_check | demonstration < doctor < cli < __main__"
    ),
}
# Floor 0 must be cheap to import anywhere: beside the standard library it knows numpy alone.
FOREIGN_TO_CONTRACT = {
    "dask", "distributed", "joblib", "mms", "orjson", "pandas", "psutil", "pyarrow",
    "sagemaker_inference", "sagemaker_training", "scipy", "sklearn",
}  # fmt: skip


def floors(order: str) -> dict[str, int]:
    """The floor of each name, from a line such as "ground < first | side by side < top"."""
    return {
        name.strip(): floor
        for floor, names in enumerate(order.split("<"))
        for name in names.split("|")
    }


def imported(file: Path) -> Iterator[str]:
    """The modules that a file imports, anywhere in it, as dotted names."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files_of(package: str) -> list[Path]:
    """The Python files of a package, but for what it only carries along."""
    folder = ROOT / FOLDERS.get(package, package)
    found = sorted(file for file in folder.rglob("*.py") if "templates" not in file.parts)
    assert found
    return found


def upward(file: Path, own: str, names: dict[str, int], prefix: str = "") -> list[str]:
    """The imports of a file that do not point down: those of its own floor, or of a higher one."""
    found = []
    for module in imported(file):
        if not module.startswith(prefix):
            continue
        name = module.removeprefix(prefix).split(".")[0]
        if name in names and name != own and names[name] >= names[own]:
            found.append(f"{file.relative_to(ROOT)} imports {module}")
    return found


@pytest.mark.parametrize("package", floors(PACKAGES))
def test_packages_import_what_is_below_them(package: str) -> None:
    """A package imports itself and the floors below, never its own floor's or a higher one."""
    names = floors(PACKAGES)

    assert [wrong for file in files_of(package) for wrong in upward(file, package, names)] == []


@pytest.mark.parametrize("package", ["handler", "training_entry", "byo"])
def test_rooms_import_what_is_below_them(package: str) -> None:
    """The same inside a package, where each file or folder of its own is a room."""
    names = floors(ROOMS[package])
    rooms = {
        file.relative_to(ROOT / package).parts[0].removesuffix(".py") for file in files_of(package)
    }

    wrong = [
        one
        for file in files_of(package)
        if (room := file.relative_to(ROOT / package).parts[0].removesuffix(".py")) != "__init__"
        for one in upward(file, room, names, f"{package}.")
    ]

    assert rooms - {"__init__"} == names.keys()
    assert wrong == []


def test_contract_knows_numpy_at_most() -> None:
    """Floor 0 imports neither scikit-learn nor anything that costs like it."""
    names = {name.split(".")[0] for file in files_of("contract") for name in imported(file)}

    assert names & FOREIGN_TO_CONTRACT == set()
