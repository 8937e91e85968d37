"""The models of earlier runs, whenever a command was killed on its way."""

from __future__ import annotations

from pathlib import Path

import pytest

from byo.tree import earlier_models
from byo.tree.earlier_models import clear_outcome, previous_model
from byo.tree.run_record import RunRecord
from contract.paths import Paths


class Killed(BaseException):
    """Stands for SIGKILL between two steps."""


@pytest.mark.parametrize("step", ["move", "rmtree"])
def test_a_good_model_outlives_a_kill_while_it_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The next run goes on, and neither it nor a failed one after it loses a file."""
    paths = Paths(tmp_path)
    paths.model.mkdir()
    for name in ("model.joblib", "signature.json"):
        (paths.model / name).write_text("good")
    record = RunRecord(outcome="succeeded")
    steps = []

    def die(*arguments: object, **options: object) -> None:
        steps.append(arguments)
        if len(steps) == 1:
            raise Killed
        original(*arguments, **options)

    original = getattr(earlier_models.shutil, step)
    monkeypatch.setattr(earlier_models.shutil, step, die)
    with pytest.raises(Killed):
        clear_outcome(paths, record)

    clear_outcome(paths, record)
    (paths.model / "model.joblib").write_text("half")
    clear_outcome(paths, RunRecord(outcome="failed"))

    previous = previous_model(paths)
    assert previous is not None
    assert {file.name: file.read_text() for file in previous.iterdir()} == {
        "model.joblib": "good",
        "signature.json": "good",
    }
    assert (tmp_path / "model.failed" / "model.joblib").read_text() == "half"
    assert not list(tmp_path.glob("*.incoming"))
