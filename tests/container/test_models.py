"""A single model that can't be served ends the container: soon, with code 4, the reason last."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract import Paths
from tests.container.engine import mount, run, serving, settings
from tests.container.models import PENGUINS, with_code
from tests.packages import wheel
from tests.serving.conftest import FIXTURES

CANNOT_SERVE = 4

# The model's own inference.py, and what the last line says.
BROKEN_CODE = {
    "raises_in_model_fn.py": "RuntimeError: the weights are gone (inference.py:2)",
    "misses_an_import.py": "No module named 'absent_package' (inference.py:1)",
    "dies_on_import.py": "exit code 9",
    "runs_out_of_memory.py": "not enough memory",
}


@pytest.mark.parametrize("fixture", BROKEN_CODE)
def test_code_that_cannot_load(image: str, trained: Paths, tmp_path: Path, fixture: str) -> None:
    """Whatever the user's module does at load time."""
    model = with_code(trained, tmp_path / "model", {"inference.py": FIXTURES / fixture})

    ended = run(image, "serve", options=mount(model, "/opt/ml/model", read_only=True))

    assert BROKEN_CODE[fixture] in ended.log.splitlines()[-1]
    assert ended.code == CANNOT_SERVE


def test_no_model_at_all(image: str) -> None:
    """Nothing is mounted."""
    ended = run(image, "serve")

    assert "/opt/ml/model" in ended.log.splitlines()[-1]
    assert ended.code == CANNOT_SERVE


def test_an_artifact_cut_short(image: str, trained: Paths, tmp_path: Path) -> None:
    """As a download that broke off leaves it: its pins tell, and without them the unpickler."""
    model = with_code(trained, tmp_path / "model", {})
    artifact = model / "model.joblib"
    artifact.write_bytes(artifact.read_bytes()[:1000])
    options = mount(model, "/opt/ml/model", read_only=True)

    pinned = run(image, "serve", options=options)
    without = run(image, "serve", options=[*options, "--env", "BYO_MODEL_PINS=off"])

    assert "(changed: model.joblib)" in pinned.log.splitlines()[-1]
    assert "model.joblib can't be loaded" in without.log.splitlines()[-1]
    assert (pinned.code, without.code) == (CANNOT_SERVE, CANNOT_SERVE)


def test_requirements_that_cannot_be_installed(image: str, trained: Paths, tmp_path: Path) -> None:
    """pip's own line is the reason."""
    files = {"inference.py": "", "requirements.txt": "no-such-package-anywhere==9.9\n"}
    model = with_code(trained, tmp_path / "model", files)
    options = mount(model, "/opt/ml/model", read_only=True)

    ended = run(image, "serve", options=[*options, *settings(PIP_NO_INDEX="1")])

    assert "no-such-package-anywhere" in ended.log.splitlines()[-1]
    assert ended.code == CANNOT_SERVE


def test_requirements_are_installed(image: str, trained: Paths, tmp_path: Path) -> None:
    """What the image lacks is installed, though all that is mounted is read-only."""
    source = "import tiny\ndef predict_fn(data, model): return [tiny.NAME]\n"
    package = wheel(tmp_path)
    requirements = f"numpy\n./{package.name}\n"
    files = {"inference.py": source, "requirements.txt": requirements, package.name: package}
    model = with_code(trained, tmp_path / "model", files)

    options = mount(model, "/opt/ml/model", read_only=True)
    with serving(image, "--read-only", "--tmpfs", "/tmp", *options) as one, one.client() as client:
        answer = client.invoke(PENGUINS, "text/csv", "text/csv")

    assert (answer.status, answer.body) == (200, b"tiny\n")
