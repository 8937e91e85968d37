"""Secret hyperparameters: the script gets them, the log and the failure file do not."""

from __future__ import annotations

import json
import logging

import pytest

from tests.training.jobs import LAUNCH, TRAIN
from training_entry.hyperparameters.redaction import Secrets

SECRETS = {
    "db_password": "open \"sesame\" 'now'",
    "api_key": "k3y-0123456789",
    "settings": json.dumps({"user": "ada", "token": "t0ken-of-honour"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("level", ["10", "20"])
@pytest.mark.parametrize("command", [(TRAIN,), LAUNCH], ids=["train", "launch"])
def test_no_secret_is_in_the_log(job, command, level):
    """Not as it is, nor as JSON, Python or a shell quotes it, and not at the lowest level."""
    job.submit("prints_secret.py")
    job.command = command
    job.hyperparameters |= {**SECRETS, "depth": "3", "sagemaker_container_log_level": level}

    code = job.run()

    assert code == 0, job.log
    assert "all were given" in job.log
    for part in ("sesame", "k3y-0123456789", "t0ken-of-honour"):
        assert part not in job.log
    assert "Failed to parse hyperparameter api_key value ***" in job.log


@pytest.mark.slow
def test_no_secret_is_in_the_failure_file(job):
    """Though the script's own message, which only its author can mend, names it."""
    job.submit("tells_secret.py")
    job.hyperparameters["zz_secret"] = "hunter2-hunter2"

    job.run()

    assert job.failure.startswith("ValueError: the server refused *** (tells_secret.py:3)\n")


@pytest.mark.parametrize(
    ("hyperparameters", "text", "expected"),
    [
        ({"api_key": "abcdef"}, "x=abcdef&y", "x=***&y"),
        ({"depth": "abcdef"}, "abcdef", "abcdef"),
        ({"token": "7"}, "7 of 77 at 0.7", "*** of 77 at 0.***"),
        ({"use_key": "true"}, "true", "true"),
        ({"credentials": '["first-one", "second-one"]'}, "first-one, second-one", "***, ***"),
        ({"secret": 12345}, "12345", "***"),
        ({"private_key": "line one\nline two"}, "a line one line two", "a ***"),
        ({"private_key": "line one\nline two"}, '"line one\\nline two"', '"***"'),
        ({"nested": '{"deep": {"passwd": "abcdef"}}'}, "abcdef", "***"),
        ({"PASSWORD": "pass", "token": "password-long"}, "password-long", "***"),
    ],
)
def test_secrets_are_found_in_a_text(hyperparameters, text, expected):
    """By the hyperparameter's name, at any depth; the longest first."""
    assert Secrets(hyperparameters).hide(text) == expected


def test_a_traceback_in_the_log_is_redacted():
    """The message and the traceback of a record alike."""
    try:
        raise ValueError("refused: abcdef")
    except ValueError as error:
        exc_info = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("x", 20, "x.py", 1, "with %s", ("abcdef",), exc_info)

    Secrets({"token": "abcdef"}).filter(record)

    assert "abcdef" not in logging.Formatter().format(record)


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_no_readable_hyperparameters_are_no_secrets(tmp_path, content):
    """What is wrong with the file is told elsewhere."""
    file = tmp_path / "hyperparameters.json"
    if content is not None:
        file.write_text(content)

    assert Secrets.in_file(file).hide("abc") == "abc"
