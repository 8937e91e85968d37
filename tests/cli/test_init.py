import json

import pytest

from tests.cli.conftest import ROOT


def test_init_makes_a_folder_and_says_what_is_next(run_byo, tmp_path):
    """A new folder has all that the contract names, and the output leads on."""
    done = run_byo("init", "mine")

    assert done.returncode == 0
    assert "byo check mine" in done.stdout
    for name in ("train.py", "inference.py", "requirements.txt", "README.md", "sample/payload.csv"):
        assert (tmp_path / "mine" / name).is_file()
    assert not list((tmp_path / "mine").rglob("__pycache__"))


def test_init_fills_an_empty_folder(run_byo, tmp_path):
    """A folder that exists and is empty is as good as none."""
    (tmp_path / "my own").mkdir()

    done = run_byo("init", "my own")

    assert done.returncode == 0
    assert "byo check 'my own'\n" in done.stdout
    assert (tmp_path / "my own" / "train.py").is_file()


def test_init_never_overwrites(run_byo, tmp_path):
    """A folder with anything in it is refused and left as it is."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.py").write_text("precious")

    done = run_byo("init", "mine")

    assert done.returncode == 2
    assert done.stderr == "byo init: mine is not empty: name a new or an empty folder\n"
    assert (tmp_path / "mine" / "train.py").read_text() == "precious"
    assert len(list((tmp_path / "mine").iterdir())) == 1


@pytest.mark.slow
def test_a_new_folder_keeps_the_contract(run_byo, template, survivors):
    """What init makes passes check, from training to the last prediction."""
    done = run_byo("check", template)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "error" not in done.stdout
    assert "ok       sample/payload.csv: 10 rows, 10 predictions" in done.stdout
    assert "ok       the example row of signature.json: 1 row, 1 prediction" in done.stdout
    assert survivors() == []


@pytest.mark.slow
def test_a_new_folder_trains_on_a_file_of_ones_own(run_byo, template, tmp_path):
    """A CSV file with text and empty cells needs no edit: the channel and the target are named."""
    penguins = ROOT / "algorithm/sample/input/data/training/penguins.csv"

    done = run_byo(
        *("train", "--algorithm", template, "--channel", f"training={penguins}"),
        *("--hyperparameter", "target=species", "--hyperparameter", "n_estimators=20"),
    )
    described = (tmp_path / ".byo/model/signature.json").read_text()
    wrong = run_byo(
        *("train", "--algorithm", template, "--channel", f"training={penguins}"),
        *("--hyperparameter", "target=kind"),
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(described)["inputs"]
    assert "there is no column 'kind': there are ['species', 'island'" in wrong.stderr
