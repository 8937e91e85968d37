import json
import shutil
import socket
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="the extra `distributed` is not installed")
pytestmark = pytest.mark.slow

SEARCH = Path(__file__).parents[1] / "training" / "fixtures" / "cluster" / "search"


@pytest.fixture
def searching(tmp_path):
    """An algorithm that searches on all hosts of its job."""
    folder = tmp_path / "searching"
    shutil.copytree(SEARCH, folder)
    (folder / "sample/input/data/training").mkdir(parents=True)
    (folder / "sample/input/data/training/rows.csv").write_text("x,y\n1,2\n")
    return folder


def test_three_hosts_give_the_model_of_one(run_byo, environ, survivors, searching, tmp_path):
    """The first host's tree has the model, to the byte that of a single host; all succeed."""
    alone = run_byo("train", "--algorithm", searching)
    of_one = (tmp_path / ".byo/model/model.joblib").read_bytes()

    done = run_byo("train", "--algorithm", searching, "--hosts", 3)

    assert alone.returncode == done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / ".byo/model/model.joblib").read_bytes() == of_one
    for name in ("127.0.0.2", "127.0.0.3"):
        tree = tmp_path / ".byo/hosts" / name
        assert (tree / "output/success").exists()
        assert list((tree / "model").iterdir()) == []
        config = json.loads((tree / "input/config/resourceconfig.json").read_text())
        assert config["current_host"] == name
        assert (tree / "input/data/training/rows.csv").is_file()
        assert f"the output of the host {name} goes to {tree / 'train.log'}" in done.stdout
    assert survivors() == []


def test_a_failure_is_one_line_and_nothing_is_left(run_byo, survivors, searching):
    """The cause is the script's own, whichever host is asked."""
    (searching / "train.py").write_text("raise ValueError('no such column: age')")

    done = run_byo("train", "--algorithm", searching, "--hosts", 2)

    assert done.returncode == 1
    assert "byo train: ValueError: no such column: age" in done.stderr.splitlines()[-1]
    assert survivors() == []


@pytest.mark.parametrize("number", ["0", "10", "two"])
def test_a_number_of_hosts_is_checked(run_byo, searching, number):
    """As many as can be told apart by name in order."""
    done = run_byo("train", "--algorithm", searching, "--hosts", number)

    assert done.returncode == 2
    assert f"'{number}' is not a number of hosts up to 9" in done.stderr


def test_a_given_list_of_hosts_is_never_altered(run_byo, searching, tmp_path):
    """An option that would have to alter a file of the caller's is refused."""
    config = tmp_path / "tree/input/config"
    config.mkdir(parents=True)
    (config / "resourceconfig.json").write_text('{"current_host": "a", "hosts": ["a"]}')

    done = run_byo("train", "--algorithm", searching, "--base-dir", "tree", "--hosts", 2)

    assert done.returncode == 2
    assert "is not altered" in done.stderr


def test_a_port_that_is_taken_is_named(run_byo, environ, searching):
    """The control channel says which port it wanted, and how to give it another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = environ["BYO_CLUSTER_PORT"] = str(taken.getsockname()[1])
        environ["BYO_CLUSTER_JOIN_SECONDS"] = "2"

        done = run_byo("train", "--algorithm", searching, "--hosts", 2)

    assert done.returncode == 1
    assert f"the control channel can't listen on 127.0.0.1:{port}" in done.stderr
    assert "BYO_CLUSTER_PORT names another port" in done.stderr
