"""What output/failure says, and the exit code, for scripts that fail in every way we know."""

from __future__ import annotations

import re
from importlib import metadata

import pytest

from training_entry.script.failure_report import SHOWN_CHARACTERS

pytestmark = [pytest.mark.slow, pytest.mark.portable]

# Script, its exit code, and what the failure file must match from its first character on.
FAILURES = {
    "raises.py": (
        1,
        r"ValueError: could not convert string to float: 'n/a' \(raises\.py:2\)\n"
        r"  raises\.py:9 in <module>: load\(\)\n"
        r"  raises\.py:6 in load: return .*\n"
        r"(  raises\.py:6 in <listcomp>: .*\n)?"
        r"  raises\.py:2 in parse: return float\(text\)$",
    ),
    "noisy_custom_error.py": (
        1,
        r"ColumnMissing: the training data has no column 'price' \(noisy_custom_error\.py:10\)\n",
    ),
    "exception_group.py": (
        1,
        r"ExceptionGroup: two folds failed \(2 sub-exceptions\) \(exception_group\.py:11\)\n"
        r"  - ValueError: fold 1 holds one class only \(exception_group\.py:2\)\n"
        r"(.*\n)*  - ValueError: fold 2 holds one class only \(exception_group\.py:2\)\n",
    ),
    "chained.py": (
        1,
        r"RuntimeError: a hyperparameter is missing \(chained\.py:4\)\n.*\n"
        r"caused by KeyError: 'learning_rate' \(chained\.py:2\)\n",
    ),
    "syntax_error.py": (1, r"SyntaxError: '\(' was never closed \(syntax_error\.py:3\)\n"),
    "long_message.py": (1, r"ValueError: (unexpected cell )+\S*… \(long_message\.py:1\)\n"),
    "missing_import.py": (
        1,
        r"ModuleNotFoundError: No module named 'a_package_nobody_installed' "
        r"\(missing_import\.py:1\)\n",
    ),
    "worker_fails.py": (
        1,
        r"ValueError: part \d is empty \(worker_fails\.py:8\)\n.*\n"
        r"caused by _RemoteTraceback: in a worker process \(worker_fails\.py:5\)\n",
    ),
    "exits_with_reason.py": (
        1,
        r"SystemExit: no CSV file in the training channel \(exits_with_reason\.py:3\)\n",
    ),
    "exits_with_code.py": (
        3,
        r"exits_with_code\.py exited with code 3 \(exits_with_code\.py:4\); "
        r"the last line on stderr: the licence server does not answer$",
    ),
    "exits_at_once.py": (7, r"exits_at_once\.py exited with code 7$"),
    "killed.py": (
        137,
        r"killed\.py was killed by SIGKILL \(signal 9\): probably out of memory, "
        r"peak RSS [1-9]\d* MB in 1 process$",
    ),
    "fails.sh": (
        4,
        r"fails\.sh exited with code 4; the last line on stderr: disk quota exceeded$",
    ),
    "killed_inside.sh": (
        137,
        r"killed_inside\.sh exited with code 137: a process of it was killed by "
        r"SIGKILL \(signal 9\): probably out of memory, peak RSS \d+ MB in 1 process",
    ),
    "greedy.py": (137, r"greedy\.py was killed .*, peak RSS (3[0-9]\d MB) in 2 processes$"),
    "dies_in_native_code.py": (
        139,
        r"dies_in_native_code\.py was killed by SIGSEGV \(signal 11\): Segmentation fault "
        r"\(dies_in_native_code\.py:6\)\n"
        r"  dies_in_native_code\.py:10 in <module>\n  dies_in_native_code\.py:6 in crash$",
    ),
    "aborts.py": (
        134,
        r"aborts\.py was killed by SIGABRT \(signal 6\): Aborted \(aborts\.py:5\)\n",
    ),
    "recursion.py": (
        1,
        r"RecursionError: maximum recursion depth exceeded.* \(recursion\.py:2\)\n",
    ),
    "speechless_error.py": (
        1,
        r"Speechless: \(its message can't be made: its __str__ failed\) "
        r"\(speechless_error\.py:6\)\n",
    ),
    "not_utf8.py": (
        1,
        r"ValueError: no such file: M\\udce4rz\\x1b\[31m\.csv \(not_utf8\.py:3\)\n",
    ),
    "huge_message.py": (1, r"ValueError: €{490,}… \(huge_message\.py:1\)\n"),
    "interrupts_itself.py": (130, r"KeyboardInterrupt \(interrupts_itself\.py:1\)\n"),
    "thread_fails.py": (
        5,
        r"OSError: the bucket is not there \(thread_fails\.py:6\)\n"
        r"  in loader, after which thread_fails\.py exited with code 5\n",
    ),
    "thread_fails_at_once.py": (
        6,
        r"OSError: the bucket is not there \(thread_fails_at_once\.py:6\)\n"
        r"  in loader, after which thread_fails_at_once\.py exited with code 6\n",
    ),
}


@pytest.mark.parametrize("script", FAILURES)
def test_the_failure_file_begins_with_the_cause(job, script):
    """The reason comes first and whole, and the script's own exit code survives."""
    exit_code, reason = FAILURES[script]
    job.submit(script)

    code = job.run()

    assert re.match(reason, job.failure), job.failure
    assert code == exit_code
    assert not job.succeeded


def test_the_log_holds_the_users_traceback_alone(job):
    """The whole traceback is in the log, without a frame of the process that ran the script."""
    job.submit("raises.py")

    job.run()

    assert "Traceback (most recent call last):\n  File" in job.log
    assert "bootstrap.py" not in job.log
    assert "Framework Error" not in job.log


def test_a_wrong_hyperparameter_is_told_as_argparse_tells_it(job):
    """argparse exits with 2 and explains itself on stderr: that line is the reason."""
    job.submit("wants_integer.py")
    job.hyperparameters["depth"] = "deep"

    code = job.run()

    assert "exited with code 2 (wants_integer.py:5)" in job.failure
    assert "argument --depth: invalid int value: 'deep'" in job.failure
    assert code == 2


def test_a_requirement_that_pip_cannot_install_is_named(job):
    """pip's own error line is the reason, and the script is not started."""
    job.submit("needs_package", program="train.py")

    code = job.run()

    assert job.failure.startswith(
        "pip could not install the submitted code: "
        "No matching distribution found for no-such-package-anywhere==9.9"
    )
    assert code == 1


def test_a_baked_in_requirement_that_pip_cannot_install_is_named(job):
    """The algorithm folder's requirements are installed, or told apart, as submitted ones are."""
    job.submit("needs_package", program="train.py")
    job.environ["BYO_ALGORITHM_DIR"] = job.hyperparameters["sagemaker_submit_directory"]
    job.hyperparameters.clear()

    job.run()

    assert "requirements.txt: No matching distribution found for no-such-package" in job.failure


def test_a_package_runs_as_a_module(job):
    """A folder with a setup.py is installed, for the job, and its entry point run with -m."""
    job.submit("package", program="entry.py")
    job.environ["PIP_NO_BUILD_ISOLATION"] = "false"

    code = job.run()

    assert job.failure.startswith("LookupError: the package ran as a module (helper.py:2)\n"), (
        job.failure
    )
    assert "Successfully installed" in job.log
    with pytest.raises(ModuleNotFoundError):
        metadata.version("fixture-package")
    assert code == 1


def test_a_failure_file_of_the_scripts_own_is_kept(job):
    """The script knows best why it failed."""
    job.submit("own_failure_file.py")

    code = job.run()

    assert job.failure == "the data of May are missing"
    assert code == 1


def test_a_failure_file_of_an_earlier_run_is_not_kept(job):
    """Nor is a success file: both are about another run in the same tree."""
    job.submit("raises.py")
    output = job.base / "output"
    output.mkdir(parents=True)
    for name in ("failure", "success"):
        (output / name).write_text("long ago")

    job.run()

    assert job.failure.startswith("ValueError: could not convert")
    assert not job.succeeded


def test_a_thread_that_fails_does_not_fail_the_script(job):
    """As under plain Python: only the script's own end counts."""
    job.submit("thread_fails_harmlessly.py")

    code = job.run()

    assert code == 0
    assert "ZeroDivisionError" in job.log
    assert job.succeeded


@pytest.mark.parametrize(
    ("files", "hyperparameters", "reason"),
    [
        ([], {}, "there is no script to train with: put train.py into the algorithm folder "),
        (["train.py", "contract.py"], {}, "takes the name of a package of ours: rename it"),
        (
            ["other.py"],
            {"sagemaker_program": "train.py", "sagemaker_submit_directory": "{source}"},
            "train.py is not in ",
        ),
        (
            [],
            {"sagemaker_program": "train.py", "sagemaker_submit_directory": "{source}.tar.gz"},
            "FileNotFoundError: ",
        ),
    ],
    ids=["no script", "reserved name", "another script", "no archive"],
)
def test_a_job_that_cannot_start_says_what_would_be_right(
    job, tmp_path, files, hyperparameters, reason
):
    """Nothing to run, or not where it should be: one clear sentence."""
    source = tmp_path / "source"
    source.mkdir()
    for name in files:
        (source / name).touch()
    job.environ["BYO_ALGORITHM_DIR"] = str(source)
    job.hyperparameters = {k: v.format(source=source) for k, v in hyperparameters.items()}

    code = job.run()

    assert reason in job.failure
    assert "Traceback" not in job.failure
    assert len(job.failure) < SHOWN_CHARACTERS
    assert code == 1
