from importlib import metadata

import pytest

COMMANDS = [
    "init", "check", "train", "serve", "pin", "endpoint", "play", "invoke", "transform", "replay",
    "models",
    "load", "unload", "build", "push", "demo", "doctor", "completion",
]  # fmt: skip


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_examples_and_exit_codes(run_byo, command):
    """Every --help shows how the command is used and what its exit codes mean."""
    done = run_byo(*filter(None, [command]), "--help")

    assert done.returncode == 0
    assert f"examples:\n  byo {command}".rstrip() in done.stdout
    assert "exit codes:" in done.stdout
    assert "130  interrupted" in done.stdout


def test_help_lists_all_commands(run_byo):
    """The command's own help names every subcommand."""
    done = run_byo("--help")

    assert all(f"\n    {command} " in done.stdout for command in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "byo: the following arguments are required: COMMAND (see byo --help)"),
        (["trian"], "byo: 'trian' is not a command: is train meant? (see byo --help)"),
        (["Chekc", "mine"], "byo: 'Chekc' is not a command: is check meant? (see byo --help)"),
        (["fetch"], f"byo: 'fetch' is not a command: there are {', '.join(COMMANDS)}"),
        (["--verbose", "init", "x"], "byo: unrecognized arguments: --verbose (see byo --help)"),
        (["init"], "byo init: the following arguments are required: DIR (see byo init --help)"),
        (["train", "--hyperparameter", "x"], "'x' is not NAME=VALUE"),
        (["serve", "--port", "32767"], "'32767' is not a port from 1 to 32766"),
        (["invoke", "x.csv", "--timeout", "0"], "'0' is not a number of seconds"),
        (["train", "--algorithm", "nowhere"], "byo train: nowhere is not a folder"),
        (["train"], "byo train: no train.py in the current folder, ./algorithm or /opt/program"),
        (["demo", "--algorithm", "."], "holds no data to train on"),
    ],
)
def test_wrong_usage_is_one_line(run_byo, arguments, line):
    """What can't be used as given is told in one line, with exit code 2."""
    done = run_byo(*arguments)

    assert done.returncode == 2
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version(run_byo, option):
    """It is that of the installed distribution."""
    done = run_byo(option)

    assert (done.returncode, done.stdout) == (0, f"byo {metadata.version('byo')}\n")
