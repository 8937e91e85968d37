"""Checkpoints: what is saved is whole or not there, and a killed training goes on from it."""

from __future__ import annotations

import logging

import joblib
import numpy as np
import pytest

from training_entry.checkpoint import CheckpointError, load_checkpoint, save_checkpoint


def names(folder):
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_model(job):
    """Killed after three of six epochs and run again: equal to the bit to an undisturbed run."""
    job.submit("epochs.py")
    model = job.base / "model" / "model.joblib"
    undisturbed = job.run(), joblib.load(model)
    model.unlink()
    for file in (job.base / "checkpoints").iterdir():
        file.unlink()
    hyperparameters = job.base / "input" / "config" / "hyperparameters.json"
    hyperparameters.write_text('{"die_after": "3", "sagemaker_program": "epochs.py"}')

    killed = job.run()
    saved = names(job.base / "checkpoints")
    again = job.run()

    assert undisturbed[0] == 0
    assert killed == 137
    assert saved[-1] == "step-000000000003.joblib"
    assert again == 0, job.log
    assert "starts after epoch 3" in job.log
    # The files themselves differ in which equal strings pickle notes as one object.
    assert joblib.hash(joblib.load(model)) == joblib.hash(undisturbed[1])
    assert joblib.load(model).coef_.tobytes() == undisturbed[1].coef_.tobytes()


@pytest.mark.slow
def test_a_training_killed_while_it_saves_goes_on_from_the_one_before(job):
    """What is half written has another name, and is no checkpoint."""
    job.submit("dies_while_saving.py")

    killed = job.run()
    left = names(job.base / "checkpoints")
    again = job.run()

    assert killed == 137
    assert len(left) == 2
    assert left[0].startswith(".unfinished-")
    assert again == 0, job.log
    assert "goes on from ('one', 1)" in job.log


def test_the_latest_is_loaded_and_the_last_few_are_kept(tmp_path):
    """By the number of the step, not by the time or by the text of the name."""
    for step in (0, 1, 9, 10):
        save_checkpoint({"weights": np.arange(step)}, step, directory=tmp_path, keep=2)

    state, step = load_checkpoint(directory=tmp_path)

    assert step == 10
    np.testing.assert_array_equal(state["weights"], np.arange(10))
    assert names(tmp_path) == ["step-000000000009.joblib", "step-000000000010.joblib"]


def test_a_checkpoint_is_an_ordinary_joblib_file(tmp_path):
    """The checksum follows after the pickle's end."""
    file = save_checkpoint("state", 4, directory=tmp_path)

    assert joblib.load(file) == {"state": "state", "step": 4}


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:],
        lambda data: data + b"more",
    ],
    ids=["half", "one byte short", "empty", "one bit", "too long"],
)
def test_a_damaged_checkpoint_is_passed_over(tmp_path, caplog, damage):
    """With a warning that names it; the one before is whole."""
    save_checkpoint(np.zeros(1000), 1, directory=tmp_path)
    file = save_checkpoint(np.ones(1000), 2, directory=tmp_path)
    file.write_bytes(damage(file.read_bytes()))

    with caplog.at_level(logging.WARNING):
        state, step = load_checkpoint(directory=tmp_path)

    assert step == 1
    assert not state.any()
    assert "passing over the checkpoint step-000000000002.joblib: it is torn" in caplog.text


def test_no_checkpoint_is_none(tmp_path):
    """No folder, an empty one, or one with other files only."""
    (tmp_path / "notes.txt").write_text("not a checkpoint")

    assert load_checkpoint(directory=tmp_path) is None
    assert load_checkpoint(directory=tmp_path / "missing") is None


def test_only_the_first_host_saves(tmp_path, monkeypatch):
    """The others' folders are copied to the same address."""
    monkeypatch.setenv("SM_HOSTS", '["algo-1", "algo-2"]')
    monkeypatch.setenv("SM_CURRENT_HOST", "algo-2")

    saved = save_checkpoint("state", 1, directory=tmp_path)

    assert saved is None
    assert names(tmp_path) == []


def test_the_folder_is_the_jobs(tmp_path, monkeypatch):
    """SageMaker's own default, under whatever folder stands for /opt/ml."""
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))

    file = save_checkpoint("state", 1)

    assert file == tmp_path / "checkpoints" / "step-000000000001.joblib"
    assert load_checkpoint() == ("state", 1)


def test_without_a_job_nothing_is_saved_or_loaded(tmp_path, monkeypatch):
    """A script run by hand trains from the beginning to the end."""
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path / "missing"))

    assert save_checkpoint("state", 1) is None
    assert load_checkpoint() is None
    assert names(tmp_path) == []


def test_a_training_that_begins_anew_drops_what_was_ahead_of_it(tmp_path):
    """The checkpoint saved last is the one to go on from."""
    for step in (1, 7, 8):
        save_checkpoint("old", step, directory=tmp_path)

    save_checkpoint("new", 2, directory=tmp_path)

    assert load_checkpoint(directory=tmp_path) == ("new", 2)
    assert len(names(tmp_path)) == 2


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    """What is wrong with it, in a sentence."""
    (tmp_path / "file").touch()

    with pytest.raises(CheckpointError, match=r"step 1 can't be written to .*file: "):
        save_checkpoint("state", 1, directory=tmp_path / "file")


@pytest.mark.parametrize(("step", "keep"), [(-1, 3), (0, 0)])
def test_a_step_or_a_number_that_makes_no_sense_is_refused(tmp_path, step, keep):
    """Before anything is written."""
    with pytest.raises(ValueError, match="must be at least"):
        save_checkpoint("state", step, directory=tmp_path, keep=keep)


def test_a_state_that_cannot_be_written_leaves_nothing(tmp_path):
    """The error is the state's own, and the folder as before."""
    save_checkpoint("state", 1, directory=tmp_path)

    with pytest.raises(TypeError, match="generator"):
        save_checkpoint((number for number in [1]), 2, directory=tmp_path)

    assert names(tmp_path) == ["step-000000000001.joblib"]
