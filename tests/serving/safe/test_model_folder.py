"""What must be so before anything of a model folder is imported or unpickled."""

from __future__ import annotations

import os
from pathlib import Path

import joblib
import pytest

from contract.errors import ModelLoadError
from contract.model_pins import FILE_NAME as PINS
from contract.model_pins import write_pins
from tests.serving.safe.loading import Trap, answer, fitted, load


def test_nothing_of_a_changed_folder_is_run(folder: Path, mark: Path) -> None:
    """Neither the artifact that took another's place, nor code, nor what lies beside the model."""
    joblib.dump(fitted(), folder / "model.joblib")
    write_pins(folder)
    assert answer(load(folder, model_pins="require")) == b"[0,1]"

    joblib.dump(Trap(mark), folder / "model.joblib")
    joblib.dump(Trap(mark), folder / "scaler.pkl")
    (folder / "inference.py").write_text(f"open({str(mark)!r}, 'w')")

    told = r"changed: model\.joblib; added: inference\.py, scaler\.pkl"
    with pytest.raises(ModelLoadError, match=told):
        load(folder)
    assert not mark.exists()


def test_pins_are_required_or_left_alone(folder: Path) -> None:
    """By a setting, in the message by its name."""
    joblib.dump(fitted(), folder / "model.joblib")
    with pytest.raises(ModelLoadError, match=f"has no {PINS}, which BYO_MODEL_PINS=require"):
        load(folder, model_pins="require")
    (folder / PINS).write_text("damaged")
    with pytest.raises(ModelLoadError, match="line 1"):
        load(folder)

    assert answer(load(folder, model_pins="off")) == b"[0,1]"


def test_a_folder_without_any_of_it(folder: Path) -> None:
    """As ever: nothing is asked for that nobody has set."""
    joblib.dump(fitted(), folder / "model.joblib")
    (folder / "linked.txt").symlink_to(os.devnull)

    assert answer(load(folder)) == b"[0,1]"
