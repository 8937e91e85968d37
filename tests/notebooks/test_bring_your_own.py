"""What can be told of the notebook of the SDK without running it; the container tests do that."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.notebooks.reading import MACHINE_PATH, OF_NO_KERNEL, code_cells, text

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "bring_your_own.ipynb"
LARGEST_BYTES = 300_000
# What `pip install "sagemaker<3" matplotlib` brings.
INSTALLED = {"boto3", "matplotlib", "pandas", "requests", "sagemaker"}


@pytest.fixture(scope="module")
def committed() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_its_outputs_are_kept(committed):
    """It was run from its first cell to its last, and both plots are in it."""
    cells = code_cells(committed)

    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = [kind for cell in cells for output in cell.outputs for kind in output.get("data", ())]
    assert kinds.count("image/png") == 2


def test_it_is_of_no_machine(committed):
    """It names no folder of the machine it was run on, nor its kernel, and it is small."""
    assert MACHINE_PATH.findall(text(committed)) == []
    assert committed.metadata == OF_NO_KERNEL
    assert NOTEBOOK.stat().st_size < LARGEST_BYTES


def test_it_needs_what_its_first_lines_say(committed):
    """It imports nothing beyond the SDK, what comes with it, and matplotlib."""
    source = "\n".join(cell.source for cell in code_cells(committed))
    imported = set()
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        imported |= {name.partition(".")[0] for name in names}

    assert imported - set(sys.stdlib_module_names) == INSTALLED | {"quiet_output"}


OF_CELLS = """
import threading
import quiet_output
from quiet_output import quietly

quiet_output.show_cells_only()
thread = threading.Thread(target=print, args=("a container",))
thread.start()
thread.join()
with quietly() as log:
    print("a job")
print("a cell")
try:
    with quietly():
        print("why it failed")
        raise ValueError
except ValueError:
    print("aside:", quiet_output.background.getvalue().strip(), "and", log.getvalue().strip())
"""


def test_only_cells_are_shown():
    """What containers and jobs print is put aside, and a job's output shown when it fails."""
    environ = {**os.environ, "PYTHONPATH": str(NOTEBOOK.parent)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", OF_CELLS],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "a cell\nwhy it failed\n\naside: a container and a job\n"
