import json
import shutil
import signal

import pytest

pytestmark = pytest.mark.slow

QUICK_TRAIN = """\
import argparse, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--depth")
print("visible", parser.parse_args().depth, os.environ.get("SAGEMAKER_SOME_SETTING"))
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.txt").write_text("new")
"""


@pytest.fixture
def quick(tmp_path):
    """An algorithm whose training takes no time."""
    folder = tmp_path / "quick"
    data = folder / "sample" / "input" / "data" / "training"
    data.mkdir(parents=True)
    (data / "rows.csv").write_text("x,y\n1,2\n")
    config = folder / "sample" / "input" / "config"
    config.mkdir()
    (config / "hyperparameters.json").write_text('{"depth": "3"}')
    (folder / "train.py").write_text(QUICK_TRAIN)
    return folder


def test_train_makes_a_tree_from_the_sample(run_byo, environ, quick, tmp_path):
    """Without a base folder the job runs in ./.byo, with the caller's environment."""
    environ["SAGEMAKER_SOME_SETTING"] = "mine-7"

    done = run_byo("train", "--algorithm", quick, "--hyperparameter", "depth=9")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "visible 9 mine-7" in done.stdout
    tree = tmp_path / ".byo"
    assert (tree / "model" / "model.txt").read_text() == "new"
    assert (tree / "output" / "success").exists()
    assert json.loads((tree / "input/config/resourceconfig.json").read_text())["hosts"] == [
        "algo-1"
    ]
    assert list(json.loads((tree / "input/config/inputdataconfig.json").read_text())) == [
        "training"
    ]


def test_an_earlier_run_is_set_aside(run_byo, quick, tmp_path):
    """The outcome of an earlier run goes; its model is moved, and that is said."""
    tree = tmp_path / "tree"
    shutil.copytree(quick / "sample" / "input", tree / "input")
    (tree / "output").mkdir()
    (tree / "output" / "success").touch()
    (tree / "model").mkdir()
    (tree / "model" / "model.txt").write_text("old")

    done = run_byo("train", "--algorithm", quick, "--base-dir", tree)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"moved to {tree / 'model.previous'}" in done.stdout
    assert (tree / "model.previous" / "model.txt").read_text() == "old"
    assert (tree / "model" / "model.txt").read_text() == "new"
    assert (tree / "output" / "success").exists()


def test_the_last_good_model_outlives_failures(run_byo, quick, tmp_path):
    """However often training fails after it has saved something, the last good model stays."""
    assert run_byo("train", "--algorithm", quick).returncode == 0
    half = "open(os.environ['SM_MODEL_DIR'] + '/model.txt', 'w').write('half')"
    (quick / "train.py").write_text(f"import os\n{half}\nraise ValueError('too late')\n")

    failures = [run_byo("train", "--algorithm", quick) for _ in range(3)]
    served = run_byo("serve", "--algorithm", quick)

    tree = tmp_path / ".byo"
    assert [each.returncode for each in failures] == [1, 1, 1]
    assert (tree / "model.previous" / "model.txt").read_text() == "new"
    assert (tree / "model.failed" / "model.txt").read_text() == "half"
    assert f"byo serve --model {tree / 'model.previous'}" in failures[-1].stdout
    assert served.returncode != 0  # a text file is no model


def test_a_run_that_leaves_nothing_says_so(run_byo, quick, tmp_path):
    """It replaces no model of an earlier run either."""
    assert run_byo("train", "--algorithm", quick).returncode == 0
    (quick / "train.py").write_text("print('nothing')\n")

    runs = [run_byo("train", "--algorithm", quick) for _ in range(2)]

    assert [each.returncode for each in runs] == [0, 0]
    assert "left nothing in" in runs[0].stdout
    assert "serve it with" not in runs[0].stdout
    assert (tmp_path / ".byo/model.previous/model.txt").read_text() == "new"


def test_the_model_of_a_killed_run_is_not_taken_for_a_good_one(start_byo, run_byo, quick, tmp_path):
    """Killed with SIGKILL, a run notes no end; what it left replaces no good model."""
    assert run_byo("train", "--algorithm", quick).returncode == 0
    good = (quick / "train.py").read_text()
    wait = "import time\nprint('waiting', flush=True)\ntime.sleep(60)\n"
    (quick / "train.py").write_text(
        good.replace("'new'", "'half'").replace('"new"', '"half"') + wait
    )
    process = start_byo("train", "--algorithm", quick)
    for line in process.stdout:
        if line.strip() == "waiting":
            break
    process.kill()
    process.wait(timeout=30)
    (quick / "train.py").write_text(good)

    done = run_byo("train", "--algorithm", quick)

    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / ".byo/model.previous/model.txt").read_text() == "new"
    assert (tmp_path / ".byo/model.failed/model.txt").read_text() == "half"


def test_what_byo_wrote_is_made_anew(run_byo, quick, tmp_path):
    """In the caller's tree a second run may have other hyperparameters and other channels."""
    tree = tmp_path / "tree"
    (tree / "input/data/training").mkdir(parents=True)
    (tree / "input/data/training/rows.csv").write_text("x\n1\n")
    arguments = ("train", "--algorithm", quick, "--base-dir", tree, "--hyperparameter")

    first = run_byo(*arguments, "depth=1")
    (tree / "input/data/more").mkdir()
    second = run_byo(*arguments, "depth=2")

    assert first.returncode == second.returncode == 0, second.stdout + second.stderr
    assert "visible 1" in first.stdout
    assert "visible 2" in second.stdout
    named = json.loads((tree / "input/config/inputdataconfig.json").read_text())
    assert sorted(named) == ["more", "training"]


def test_what_the_user_edited_is_the_users(run_byo, quick, tmp_path):
    """What byo wrote and somebody edited is not written again; a channel it lacks is told."""
    tree = tmp_path / "tree"
    (tree / "input/data/training").mkdir(parents=True)
    arguments = ("train", "--algorithm", quick, "--base-dir", tree)
    assert run_byo(*arguments, "--hyperparameter", "depth=1").returncode == 0
    config = tree / "input/config"
    (config / "hyperparameters.json").write_text('{"depth": "7"}')
    (config / "inputdataconfig.json").write_text('{"training": {"TrainingInputMode": "File"}}')
    (tree / "input/data/more").mkdir()

    done = run_byo(*arguments)
    refused = run_byo(*arguments, "--hyperparameter", "depth=1")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "visible 7" in done.stdout
    assert f"{tree / 'input/data/more'} is no channel of the job" in done.stdout
    assert refused.returncode == 2
    assert "is not altered" in refused.stderr


def test_the_hint_is_the_whole_command(run_byo, quick, tmp_path):
    """What is said after a training serves that model with that code, typed as it is."""
    tree = tmp_path / "a tree"
    shutil.copytree(quick / "sample" / "input", tree / "input")

    done = run_byo("train", "--algorithm", quick, "--base-dir", tree)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"`byo serve --algorithm {quick} --base-dir '{tree}'`" in done.stdout


def test_given_configuration_is_never_altered(run_byo, quick, tmp_path):
    """In a tree of the caller's, what is there stays to the byte."""
    tree = tmp_path / "tree"
    config = tree / "input" / "config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text('{"depth":   "5"}')

    done = run_byo("train", "--algorithm", quick, "--base-dir", tree)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "visible 5" in done.stdout
    assert (config / "hyperparameters.json").read_text() == '{"depth":   "5"}'


def test_hyperparameters_given_twice_are_refused(run_byo, quick, tmp_path):
    """An option that would have to alter a file of the caller's is refused."""
    (tmp_path / "tree/input/config").mkdir(parents=True)
    (tmp_path / "tree/input/config/hyperparameters.json").write_text("{}")

    done = run_byo(
        "train", "--algorithm", quick, "--base-dir", "tree", "--hyperparameter", "depth=1"
    )

    assert done.returncode == 2
    assert "is not altered" in done.stderr


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("raise ValueError('no such column: age')", "no such column: age"),
        ("import nowhere_to_be_found", "nowhere_to_be_found"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    ],
)
def test_a_failing_script_is_one_line(run_byo, quick, script, cause):
    """The cause of a failure is the last line on stderr, with exit code 1."""
    (quick / "train.py").write_text(script)

    done = run_byo("train", "--algorithm", quick)

    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert last.startswith("byo train: ")
    assert cause in last


def test_an_interrupt_stops_the_job(start_byo, survivors, quick):
    """Ctrl-C ends the script as well, with exit code 130."""
    (quick / "train.py").write_text("import time\nprint('running')\ntime.sleep(600)")
    process = start_byo("train", "--algorithm", quick)
    for line in process.stdout:
        if line.strip() == "running":
            break
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert errors.endswith("byo train: interrupted\n")
    assert "Traceback" not in output + errors
    assert survivors() == []
