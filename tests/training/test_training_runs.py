"""How a script runs: as with plain python, live, and never left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile

import pytest

from tests.training.jobs import DEADLINE, FIXTURES, ROOT, environment, read_until
from training_entry.requirements import unmet

slow = pytest.mark.slow


@slow
def test_a_script_sees_what_it_sees_under_plain_python(job, tmp_path):
    """Arguments, paths, pickles of its own classes, loky and spawned workers are all alike."""
    job.submit("faithful.py")
    job.hyperparameters["out"] = str(tmp_path / "as_job.json")
    code = job.base / "code"

    exit_code = job.run()
    plain = [sys.executable, "faithful.py", "--out", str(tmp_path / "plain.json")]
    subprocess.run(plain, cwd=code, check=True, timeout=DEADLINE)

    as_job, as_plain = (
        json.loads((tmp_path / name).read_text()) for name in ("as_job.json", "plain.json")
    )
    assert exit_code == 0, job.log
    assert as_job.pop("arguments")[:2] == as_plain.pop("arguments")[:2]
    assert as_job == as_plain


@slow
def test_an_archive_is_unpacked_and_run(job, tmp_path):
    """Script mode with a local sourcedir.tar.gz, as SageMaker's SDK packs it."""
    archive, out = tmp_path / "sourcedir.tar.gz", tmp_path / "out.json"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(FIXTURES / "faithful.py", "faithful.py")
    job.hyperparameters = {
        "out": str(out),
        "sagemaker_program": "faithful.py",
        "sagemaker_submit_directory": str(archive),
    }

    code = job.run()

    assert code == 0, job.log
    assert json.loads(out.read_text())["folder"] == str(job.base / "code")
    assert job.succeeded


@slow
def test_a_line_appears_while_the_script_still_runs(job, fifo):
    """A metric printed now is in the log now, not when a buffer is full."""
    job.submit("waits.py")
    job.hyperparameters["fifo"] = str(fifo)
    process = job.start(stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    seen = read_until(process.stdout.fileno(), "epoch=1;\n")
    fifo.write_text("go on")

    assert seen == "epoch=1;\n"
    assert process.wait(DEADLINE) == 0


@slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_job_leaves_no_process(job, fifo, held_open, number):
    """The script and its child end with the job, and the failure file says who asked."""
    job.submit("has_child.py")
    job.hyperparameters["fifo"] = str(fifo)
    process = job.start(stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    read_until(process.stdout.fileno(), "both are there")
    held = held_open()

    process.send_signal(number)
    code = process.wait(DEADLINE)

    assert held
    assert not held_open()
    assert code == 128 + number
    assert job.failure.startswith(
        f"stopped by {number.name} (signal {number}) before has_child.py finished"
    )


@slow
def test_a_script_leaves_no_process_when_it_ends_well(job, fifo, held_open):
    """What the script started ends with it, and the job succeeds."""
    job.submit("leaves_child.py")
    job.hyperparameters["fifo"] = str(fifo)

    code = job.run()

    assert code == 0, job.log
    assert not held_open()


def test_a_script_that_ignores_the_request_to_stop_is_killed():
    """The grace period ends with SIGKILL, so that a stop never hangs."""
    process = subprocess.Popen(
        [sys.executable, "supervise.py", "stubborn.py"],
        cwd=FIXTURES,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    read_until(process.stdout.fileno(), "ignoring")

    process.terminate()
    ending, _ = process.communicate(timeout=DEADLINE)

    assert f"returncode={-signal.SIGKILL}" in ending
    assert f"stopped_by={signal.SIGTERM:d}, overdue=True" in ending


@slow
def test_our_own_log_lines_hold_no_hyperparameter(job):
    """A password among the hyperparameters is on no line that this project logs."""
    job.submit("leaves_child.py")
    job.hyperparameters |= {"password": "open-sesame", "z": os.devnull}

    job.run()

    ours = [line for line in job.log.splitlines() if "training_entry" in line]
    assert any("Running leaves_child.py in" in line for line in ours), job.log
    assert not any("open-sesame" in line for line in ours)


def test_importing_has_no_side_effects(tmp_path):
    """Neither the import nor a call where there is no job creates anything in the home."""
    program = (
        "import sys, training_entry.main\n"
        "from contract.errors import SettingsError\n"
        "try: training_entry.main.main()\n"
        "except SettingsError as error: print(error)\n"
        "print(sorted(name for name in sys.modules if name.startswith('sagemaker')))"
    )
    missing = tmp_path / "no-job"

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "SAGEMAKER_BASE_DIR": str(missing)},
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE,
    )

    assert f"there is no training job under {missing}" in done.stdout
    assert done.stdout.endswith("[]\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# scikit-learn==0.1\n\n", []),
        ("scikit-learn>=1.5  # here already\nNumPy\n", []),
        ("numpy<1", ["numpy<1"]),
        ("no-such-package-anywhere", ["no-such-package-anywhere"]),
        ('no-such-package-anywhere; python_version < "3"', []),
        ("--find-links wheels", ["--find-links wheels"]),
        ("joblib[extra]", ["joblib[extra]"]),
    ],
)
def test_only_what_is_not_installed_is_for_pip(tmp_path, text, expected):
    """Lines that name an installed distribution of a fitting version are met."""
    file = tmp_path / "requirements.txt"
    file.write_text(text)

    assert unmet(file) == expected


def test_no_requirements_file_asks_for_nothing(tmp_path):
    """A folder without the file is as good as one with an empty file."""
    assert unmet(tmp_path / "requirements.txt") == []
