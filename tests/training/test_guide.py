"""The guide's script, in each of the ways in which docs/training.md says that it runs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.training.jobs import DEADLINE, FIXTURES, ROOT, environment

slow = pytest.mark.slow
LABELLED = "x,label\n" + "".join(f"{n},{n % 2}\n" for n in range(40))
SET = "{'max_depth': 2, 'criterion': 'entropy', 'test_fraction': 0.25, 'shuffle': False}"


def fill(folder):
    """A channel of two files, one of them in a folder."""
    (folder / "more").mkdir(parents=True)
    (folder / "1.csv").write_text(LABELLED)
    (folder / "more" / "2.csv").write_text(LABELLED)


def check_outcome(base, log):
    """What the script leaves behind, however it was started."""
    metrics = json.loads((base / "output" / "metrics.json").read_text())["metrics"]
    signature = json.loads((base / "model" / "signature.json").read_text())
    assert SET in log
    assert f"accuracy={metrics['accuracy']};" in log
    assert signature["metrics"] == metrics
    assert (base / "model" / "model.joblib").exists()


def by_hand(base, *arguments, **variables):
    """Run the script with plain Python; what it writes to stdout."""
    (base / "model").mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, FIXTURES / "guided.py", *arguments],
        env=environment() | {"SAGEMAKER_BASE_DIR": str(base)} | variables,
        cwd=base,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_guide_shows_the_script_that_is_tested():
    """What docs/training.md prints is the fixture, to the letter."""
    script = (FIXTURES / "guided.py").read_text()

    assert f"```python\n{script}```\n" in (ROOT / "docs" / "training.md").read_text()


@slow
def test_it_runs_as_a_job(job):
    """Through the real train, with text for hyperparameters and a channel of two files."""
    job.submit("guided.py")
    job.hyperparameters |= {"max-depth": "2", "criterion": "entropy", "shuffle": "False"}
    fill(job.base / "input" / "data" / "training")

    code = job.run()

    assert code == 0, job.log
    check_outcome(job.base, job.log)


@slow
def test_a_refusal_ends_the_job_before_its_data_is_read(job):
    """The failure file has every problem; the channel, which is missing, is not reached."""
    job.submit("guided.py")
    job.hyperparameters |= {"max_depth": "0", "criterion": "ginni", "shufle": "yes"}

    code = job.run()

    assert code == 1
    assert job.failure.startswith("HyperparameterError: ")
    for problem in (
        "max_depth is '0': it must be a whole number from 1 on or None",
        "criterion is 'ginni': it must be one of gini, entropy",
        "shufle is unknown: is shuffle meant?",
    ):
        assert problem in job.failure


@slow
def test_a_missing_channel_ends_the_job_in_one_line(job):
    """The failure file begins with what is missing, and where."""
    job.submit("guided.py")

    code = job.run()

    assert code == 1
    assert job.failure.startswith(
        "ChannelError: there is no channel training. The job has none under "
    )


@slow
def test_it_runs_under_another_driver(tmp_path):
    """With SM_* variables and the tree alone, and where the toolkit can't be imported."""
    fill(tmp_path / "input" / "data" / "training")
    forbidden = tmp_path / "forbidden"
    forbidden.mkdir()
    (forbidden / "sagemaker_training.py").write_text("raise SystemExit('the toolkit is imported')")

    log = by_hand(
        tmp_path,
        PYTHONPATH=str(forbidden),
        SM_HPS='{"max_depth": 2, "criterion": "entropy", "shuffle": false}',
        SM_HOSTS='["algo-1"]',
        SM_CURRENT_HOST="algo-1",
        SM_CHANNEL_TRAINING=f"{tmp_path}/input/data/training/",
        SM_OUTPUT_DIR=str(tmp_path / "output"),
    )

    check_outcome(tmp_path, log)


@slow
def test_it_runs_by_hand(tmp_path):
    """With arguments, and a variable for the channel's folder."""
    fill(tmp_path / "elsewhere")
    arguments = ["--max_depth", "2", "--criterion=entropy", "--shuffle", "no"]

    log = by_hand(tmp_path, *arguments, SM_CHANNEL_TRAINING=str(tmp_path / "elsewhere"))

    check_outcome(tmp_path, log)
