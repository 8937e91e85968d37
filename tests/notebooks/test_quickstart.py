"""The quickstart notebook runs from its first cell to its last, and its kept outputs are true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
import pytest

from byo.child_processes import child
from tests.notebooks.reading import MACHINE_PATH, OF_NO_KERNEL, code_cells, said, shown, text

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "quickstart.ipynb"
MARK = "BYO_TEST_MARK"
LARGEST_BYTES = 300_000


@dataclass(frozen=True)
class Run:
    """What one execution of a notebook came to."""

    status: int
    printed: str
    notebook: Path
    scratch: Path
    mark: str

    def survivors(self) -> list[psutil.Process]:
        """The processes of the run that do not end within a few seconds."""
        return psutil.wait_procs(list(_marked(self.mark)), timeout=10)[1]


def execute(notebook: Path, output: Path, scratch: Path, folder: Path) -> Run:
    """Execute in a process of its own, with `folder` as the notebook's current one."""
    mark = uuid.uuid4().hex
    scratch.mkdir()
    environ = {**os.environ, MARK: mark, "TMPDIR": str(scratch)}
    command = [sys.executable, "-W", "error", "-m", "tests.notebooks.execute", notebook]
    command += ["--output", output, "--folder", folder]
    with child(command, environ, stdout=subprocess.PIPE) as process, process.stdout as stream:
        printed = stream.read().decode()
        return Run(process.wait(), printed, output, scratch, mark)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The notebook as it is committed, executed in a folder other than its own."""
    base = tmp_path_factory.mktemp("n")
    return execute(NOTEBOOK, base / "executed.ipynb", base / "t", ROOT / "contract")


@pytest.fixture(scope="module")
def committed() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_every_cell_runs_without_a_warning(run):
    """No cell fails, and none shows a warning; how the kernel ends may be told in the log."""
    assert run.status == 0, run.printed
    cells = code_cells(nbformat.read(run.notebook, as_version=4))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert "stderr" not in {output.get("name") for cell in cells for output in cell.outputs}


def test_the_predictions_are_good(run):
    """The endpoint's answers for the held-out rows are right nine times out of ten, and alike."""
    printed = text(nbformat.read(run.notebook, as_version=4))

    accuracy = re.search(r"^accuracy: (\d\.\d+)", printed, re.MULTILINE)
    assert float(accuracy[1]) > 0.9
    assert "all alike: True" in printed


def test_nothing_is_left(run):
    """Neither a process nor a file outlives the notebook."""
    assert run.survivors() == []
    assert list(run.scratch.iterdir()) == []


def test_nothing_is_left_when_a_cell_fails(tmp_path, committed):
    """A failure while the server runs ends the kernel, the server and the scratch folder."""
    notebook = nbformat.from_dict(committed)
    names = [cell.id for cell in notebook.cells]
    failing = nbformat.v4.new_code_cell("print(endpoint.url)\nraise RuntimeError('on purpose')")
    notebook.cells = [*notebook.cells[: names.index("serve") + 1], failing]
    nbformat.write(notebook, tmp_path / "failing.ipynb")

    run = execute(
        tmp_path / "failing.ipynb", tmp_path / "out.ipynb", tmp_path / "t", NOTEBOOK.parent
    )

    assert run.status == 1
    assert "http://127.0.0.1" in run.printed
    assert "on purpose" in run.printed
    assert run.survivors() == []
    assert list(run.scratch.iterdir()) == []


def test_the_kept_outputs_are_those_of_a_run(run, committed):
    """Each cell of the committed file says what it says when it is run, and shows as many plots."""
    executed = nbformat.read(run.notebook, as_version=4)

    assert shown(committed) == shown(executed)
    assert said(committed) == said(executed), "make notebook keeps what it says now"


def test_the_committed_file_is_of_no_machine(committed):
    """It names no folder of the machine it was run on, nor its kernel, and it is small."""
    assert MACHINE_PATH.findall(text(committed)) == []
    assert committed.metadata == OF_NO_KERNEL
    assert NOTEBOOK.stat().st_size < LARGEST_BYTES


def _marked(mark: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark:
                yield process
        except (psutil.Error, OSError):
            continue
