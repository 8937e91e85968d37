"""How a script runs: as with plain python, live, and never left behind."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile

import pytest

from contract.requirements.what_is_lacking import unmet
from tests.training.jobs import DEADLINE, FIXTURES, read_until

slow = pytest.mark.slow
pytestmark = pytest.mark.portable


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
@pytest.mark.parametrize(
    ("level", "shown"), [(None, ["before", "mine: after"]), ("40", ["mine: after"])]
)
def test_a_scripts_own_log_lines_show_once(job, level, shown):
    """At the job's level, until the script sets one of its own."""
    job.submit("logs.py")
    if level:
        job.hyperparameters["sagemaker_container_log_level"] = level

    assert job.run() == 0, job.log

    lines = [line for line in job.log.splitlines() if line in ("before", "mine: after", "too fine")]
    assert lines == shown


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
def test_a_quiet_script_is_told_to_be_running(job, fifo):
    """With the time, the memory and the processes, and at the end with their peak."""
    job.submit("quiet.py")
    job.hyperparameters["fifo"] = str(fifo)
    job.environ["BYO_PROGRESS_INTERVAL"] = "1"
    process = job.start(stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    seen = read_until(process.stderr.fileno(), " in 1 process\n")
    fifo.write_text("go on")
    _, rest = process.communicate(timeout=DEADLINE)

    assert re.search(r"still running: \d+ s, [1-9]\d* MB in 1 process\n", seen)
    assert re.search(r"quiet\.py ran for \d+\.\d s, peak memory [1-9]\d* MB in 1 process\n", rest)
    assert process.returncode == 0


@slow
def test_a_script_that_prints_needs_no_progress_line(job, fifo):
    """Nor does one that is done before it is due."""
    job.submit("waits.py")
    job.hyperparameters["fifo"] = str(fifo)
    process = job.start(stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    read_until(process.stdout.fileno(), "epoch=1;\n")
    fifo.write_text("go on")
    _, log = process.communicate(timeout=DEADLINE)

    assert "still running" not in log


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
        [sys.executable, "-P", "-c", program],
        env={"HOME": str(tmp_path), "SAGEMAKER_BASE_DIR": str(missing)},
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
        ("--find-links wheels", []),
        ("-r absent.txt", ["-r absent.txt"]),
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
