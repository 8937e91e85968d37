"""The notebook of the SDK runs from its first cell to its last, in local mode."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from tests.container.sdk.workplace import Run, Workplace, containers, has_network
from tests.notebooks.reading import code_cells, shown, text

pytestmark = pytest.mark.timeout(900)  # the environment of the SDK is made first

ROOT = Path(__file__).parents[3]
NOTEBOOK = ROOT / "notebooks" / "bring_your_own.ipynb"


@pytest.fixture(scope="module")
def run(place: Workplace, sdk2: Path) -> Run:
    """The notebook as it is committed, executed in a folder other than its own."""
    command = (sdk2, "-m", "tests.notebooks.execute", NOTEBOOK)
    options = ("--output", place.folder / "executed.ipynb", "--folder", ROOT / "contract")
    return place.run(*command, *options, seconds=600)


@pytest.fixture(scope="module")
def executed(run: Run, place: Workplace) -> nbformat.NotebookNode:
    assert run.code == 0, run.printed
    return nbformat.read(place.folder / "executed.ipynb", as_version=4)


def test_every_cell_runs_without_a_warning(executed):
    """No cell fails, and none shows a warning or what a container logs."""
    cells = code_cells(executed)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert "stderr" not in {output.get("name") for cell in cells for output in cell.outputs}
    assert "algo-1" not in text(executed)


def test_the_predictions_are_good(executed):
    """Held-out birds are told right nine times out of ten, by endpoint and transform alike."""
    printed = text(executed)

    accuracy = re.search(r"^accuracy: (\d\.\d+) \(", printed, re.MULTILINE)
    assert float(accuracy[1]) > 0.9
    assert "the endpoint's predictions again: True" in printed


def test_many_models_share_a_container(executed):
    """Each is loaded and asked by its own name; what is unloaded is gone."""
    printed = text(executed)

    assert "models loaded: []" in printed
    assert "all stations agree: True" in printed
    assert "left: station-01 station-02 station-03\n" in printed


def test_nothing_is_left(executed, place):
    """Neither a container nor a network nor a file outlives the notebook."""
    assert containers(place.folder) == []
    assert not has_network()
    assert list((place.folder / "tmp").iterdir()) == []


def test_the_kept_outputs_are_those_of_a_run(executed):
    """Each cell of the committed file has outputs of the kinds that it has when it is run."""
    assert shown(nbformat.read(NOTEBOOK, as_version=4)) == shown(executed)
