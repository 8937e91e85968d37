"""Data of one's own for a training job: `--channel`."""

from __future__ import annotations

import json

import pytest

from byo.command_errors import UsageError
from byo.tree.channels import Channel, remove

LIST_CHANNELS = """\
import os, pathlib
for name in ("TRAINING", "TEST"):
    folder = os.environ.get(f"SM_CHANNEL_{name}")
    if folder:
        for file in sorted(pathlib.Path(folder).rglob("*.csv")):
            print("found", name, file.relative_to(folder), file.read_text().strip())
print("depth", os.environ.get("SM_HP_DEPTH"))
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text("new")
"""


@pytest.fixture
def listing(tmp_path):
    """An algorithm that prints what it finds; its sample has hyperparameters."""
    folder = tmp_path / "listing"
    config = folder / "sample" / "input" / "config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text('{"depth": "3"}')
    (config / "inputdataconfig.json").write_text('{"other": {}}')
    training = folder / "sample/input/data/training"
    training.mkdir(parents=True)
    (training / "sample.csv").write_text("sample")
    (folder / "train.py").write_text(LIST_CHANNELS)
    return folder


@pytest.mark.slow
def test_files_and_folders_are_channels(run_byo, listing, tmp_path):
    """A file and a folder take the place of the sample's data; its hyperparameters stay."""
    (tmp_path / "mine.csv").write_text("1,2")
    (tmp_path / "holdout" / "deep").mkdir(parents=True)
    (tmp_path / "holdout" / "deep" / "rows.csv").write_text("3,4")

    done = run_byo(
        "train",
        *("--algorithm", listing),
        *("--channel", "training=mine.csv,content_type=text/csv;label_size=1"),
        *("--channel", "test=holdout"),
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "found TRAINING mine.csv 1,2" in done.stdout
    assert "found TEST deep/rows.csv 3,4" in done.stdout
    assert "sample.csv" not in done.stdout
    assert "depth 3" in done.stdout
    named = json.loads((tmp_path / ".byo/input/config/inputdataconfig.json").read_text())
    assert named["training"]["ContentType"] == "text/csv;label_size=1"
    assert "ContentType" not in named["test"]
    assert (tmp_path / "mine.csv").read_text() == "1,2"


@pytest.mark.slow
def test_the_next_run_has_its_own_data(run_byo, listing, tmp_path):
    """A channel of one run is not there in the next; the data that it pointed to stays."""
    (tmp_path / "holdout").mkdir()
    (tmp_path / "holdout" / "rows.csv").write_text("3,4")
    (listing / "sample/input/config/inputdataconfig.json").unlink()
    run_byo("train", "--algorithm", listing, "--channel", "test=holdout")

    sample = run_byo("train", "--algorithm", listing)

    assert sample.returncode == 0, sample.stdout + sample.stderr
    assert "found TRAINING sample.csv sample" in sample.stdout
    assert "found TEST" not in sample.stdout
    assert (tmp_path / "holdout" / "rows.csv").read_text() == "3,4"


@pytest.mark.slow
def test_a_tree_of_the_callers_gets_channels_too(run_byo, listing, tmp_path):
    """In a named tree a channel is added and made anew, and never put over the caller's own."""
    tree = tmp_path / "tree"
    (tree / "input/data/training").mkdir(parents=True)
    (tmp_path / "one.csv").write_text("one")
    (tmp_path / "two.csv").write_text("two")
    arguments = ("train", "--algorithm", listing, "--base-dir", tree, "--channel")

    first = run_byo(*arguments, "test=one.csv")
    second = run_byo(*arguments, "test=two.csv")
    refused = run_byo(*arguments, "training=one.csv")

    assert first.returncode == second.returncode == 0, second.stdout + second.stderr
    assert "found TEST two.csv two" in second.stdout
    assert "one.csv" not in second.stdout
    assert refused.returncode == 2
    assert "is not replaced" in refused.stderr


@pytest.mark.parametrize("fetched", [False, True])
def test_what_somebody_put_into_a_channel_stays(tmp_path, fetched):
    """Only what byo made is removed: links, empty places, and files as they were fetched."""
    (tmp_path / "rows.csv").write_text("1")
    folder = tmp_path / "tree" / "training"
    Channel.parse(f"training={tmp_path / 'rows.csv'}").put(folder)
    (folder / "deep").mkdir()
    (folder / "deep" / "from-s3.csv").write_text("2")

    remove(folder, lambda file: fetched and file.name == "from-s3.csv")

    assert folder.exists() is not fetched
    assert (tmp_path / "rows.csv").read_text() == "1"
    assert fetched or (folder / "deep" / "from-s3.csv").read_text() == "2"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("training", "is not NAME="),
        ("=rows.csv", "is not NAME="),
        ("a b=rows.csv", "is not NAME="),
        ("training=nowhere.csv", "does not exist"),
        ("training=empty", "is empty"),
    ],
)
def test_what_is_no_channel_is_refused(text, cause, tmp_path, monkeypatch):
    """The form, the name and the place are looked at before anything is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text("1")
    (tmp_path / "empty").mkdir()

    with pytest.raises(UsageError, match=cause):
        Channel.parse(text)


def test_a_container_is_shown_the_data(tmp_path):
    """A folder is mounted as the channel, a file in it; S3 data lies in the tree."""
    (tmp_path / "rows.csv").write_text("1")
    file = Channel.parse(f"training={tmp_path / 'rows.csv'}")
    folder = Channel.parse(f"training={tmp_path}")
    place = "/opt/ml/input/data/training"

    assert file.mount(place) == (tmp_path / "rows.csv", f"{place}/rows.csv")
    assert folder.mount(place) == (tmp_path, place)
    assert Channel("training", "s3://bucket/prefix").mount(place) is None
