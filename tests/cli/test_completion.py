import shutil

import pytest

from tests.cli.terminals import on_terminal

# How each shell is started without the user's own settings, and finds the script, `_byo`.
SHELLS = {
    "bash": (["--norc", "--noprofile", "-i"], "source ./_byo"),
    "zsh": (["-f", "-i"], "fpath=($PWD $fpath); autoload -U compinit; compinit -u -D"),
    "fish": (["--no-config", "--private"], "source ./_byo"),
}
# In place of the command: shows what the shell has made of what was typed.
STANDS_IN = {
    "bash": 'byo() { echo "given: $*."; }',
    "zsh": 'byo() { echo "given: $*."; }',
    "fish": 'function byo; echo "given: $argv."; end',
}


@pytest.fixture(params=SHELLS)
def shell(request, run_byo, tmp_path, environ):
    """An interactive shell that has read the script of `byo completion`."""
    name = request.param
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    done = run_byo("completion", name)
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "_byo").write_text(done.stdout)
    (tmp_path / "mine").mkdir()
    (tmp_path / "rows.csv").touch()
    options, read = SHELLS[name]
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "TERM": "xterm"}
    with on_terminal([name, *options], tmp_path, environ | home) as terminal:
        terminal.type(f"{read}; {STANDS_IN[name]}; echo rea''dy\n")
        terminal.wait_for("ready")
        yield terminal


@pytest.mark.parametrize(
    ("typed", "given"),
    [
        ("byo chec\t--no-r\t", "check --no-round-trip"),
        ("byo train --alg\tmin\t", "train --algorithm mine"),
        ("byo check min\t", "check mine"),
        ("byo invoke row\t--acc\ttext/csv", "invoke rows.csv --accept text/csv"),
        ("byo completion fi\t", "completion fish"),
    ],
)
def test_a_shell_completes_what_is_typed(shell, typed, given):
    """Commands, options, folders, files and choices, each by TAB."""
    shell.type(f"{typed}\n")

    shell.wait_for(f"given: {given}")


def test_an_unknown_shell_is_refused(run_byo):
    done = run_byo("completion", "ksh")

    assert done.returncode == 2
    assert "'ksh'" in done.stderr
    assert done.stderr.count("\n") == 1
