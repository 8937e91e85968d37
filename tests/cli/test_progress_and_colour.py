"""What a terminal shows, and that everything else gets the plain text."""

import re
import subprocess

import pytest

from tests.cli.conftest import BYO
from tests.cli.terminals import on_terminal

ESCAPE = "\x1b"
CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
ROWS = [["Torgersen", 39.1, "Adelie"], ["Biscoe", 50.0, "Gentoo"]]
SHOW_TABLE = (
    f"from byo.cli.progress_and_colour import say_table; say_table(['island', 'mm', 'is'], {ROWS})"
)
PLAIN_TABLE = """\
island       mm  is
---------  ----  ------
Torgersen  39.1  Adelie
Biscoe       50  Gentoo
"""


@pytest.fixture
def flawed(tmp_path):
    """A folder with something right and something wrong in it."""
    folder = tmp_path / "flawed"
    folder.mkdir()
    (folder / "train.py").write_text("x = 1\n")
    (folder / "inference.py").write_text("def predict_fn(data):\n    return data\n")
    return folder


def lines(shown):
    """What a terminal shows, without its codes."""
    return [line.rstrip() for line in CODES.sub("", shown).splitlines()]


def test_a_terminal_shows_levels_in_colour(run_byo, tmp_path, environ, flawed):
    """The words are those of a pipe; only the level has a colour."""
    piped = run_byo("check", "flawed", "--no-round-trip")
    with on_terminal([*BYO, "check", "flawed", "--no-round-trip"], tmp_path, environ) as terminal:
        shown = terminal.rest()

    assert ESCAPE not in piped.stdout
    assert "\x1b[1;31merror\x1b[0m" in shown
    assert "\x1b[32mok\x1b[0m" in shown
    assert lines(shown) == [*piped.stdout.splitlines(), *piped.stderr.splitlines()]
    assert terminal.process.returncode == piped.returncode == 1


@pytest.mark.parametrize("plain", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_wants_no_colour_gets_plain_text(run_byo, tmp_path, environ, flawed, plain):
    """By the variable that programs agree on, and on a terminal that knows none."""
    command = [*BYO, "check", "flawed", "--no-round-trip"]
    with on_terminal(command, tmp_path, environ | plain) as terminal:
        shown = terminal.rest()

    assert ESCAPE not in shown
    assert "error    inference.py" in shown


def test_without_the_library_a_terminal_gets_plain_text(tmp_path, environ, flawed):
    """The extra is not needed."""
    (tmp_path / "rich.py").write_text("raise ImportError('not installed')\n")
    hidden = environ | {"PYTHONPATH": str(tmp_path)}
    with on_terminal([*BYO, "check", "flawed", "--no-round-trip"], tmp_path, hidden) as terminal:
        shown = terminal.rest()

    assert ESCAPE not in shown
    assert "error    inference.py" in shown


def test_a_pipe_needs_no_library(tmp_path, environ):
    """A table is the plain one, and rich is not even imported."""
    program = f"{SHOW_TABLE}; import sys; assert 'rich' not in sys.modules"

    done = subprocess.run(
        [BYO[0], "-P", "-c", program], env=environ, capture_output=True, text=True, check=True
    )

    assert done.stdout == PLAIN_TABLE


def test_a_terminal_shows_tables(tmp_path, environ):
    """The same cells, numbers to the right."""
    with on_terminal([BYO[0], "-P", "-c", SHOW_TABLE], tmp_path, environ) as terminal:
        shown = lines(terminal.rest())

    assert [line.split() for line in shown if line and "─" not in line] == [
        ["island", "mm", "is"],
        ["Torgersen", "39.1", "Adelie"],
        ["Biscoe", "50", "Gentoo"],
    ]


def test_a_narrow_terminal_shows_whole_tables(tmp_path, environ):
    """No line is wider than the terminal, and no letter is lost."""
    with on_terminal([BYO[0], "-P", "-c", SHOW_TABLE], tmp_path, environ, columns=20) as terminal:
        shown = lines(terminal.rest())

    assert max(map(len, shown)) <= 20
    cells = "".join(line[: line.find(" ")] for line in shown)
    assert "Torgersen" in cells


@pytest.mark.slow
def test_a_terminal_shows_what_takes_long(tmp_path, environ, template):
    """While it trains and loads; nothing of it stays, and a pipe beside it gets the findings."""
    (tmp_path / "found").touch()
    with (
        (tmp_path / "found").open("wb") as found,
        on_terminal(
            [*BYO, "check", template], tmp_path, environ, stdout=found.fileno()
        ) as terminal,
    ):
        shown = terminal.rest()

    assert terminal.process.returncode == 0
    assert "training on sample/" in shown
    assert "0:00:00" in shown
    assert "starting the server and loading the model" in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h")  # the cursor is back
    assert ESCAPE not in (tmp_path / "found").read_text()
    assert "ok       trains on sample/ in" in (tmp_path / "found").read_text()


# Works until it is told to end, and writes to a log meanwhile.
WORKS = """
from pathlib import Path
from byo.cli.progress_and_colour import working
log = Path("log")
with working("installing", log):
    log.write_text("2026-11-30 20:00:09,946 some.module INFO     Downloading a package\\n")
    input()
"""


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({}, ["installing", "0:00:00", "Downloading a package"]),
        ({"NO_COLOR": "1"}, ["installing …"]),
    ],
)
def test_a_terminal_shows_what_a_log_says_last(tmp_path, environ, settings, shown):
    """Without the time and the place before it; where nothing is drawn, one line at first."""
    command = [BYO[0], "-P", "-c", WORKS]
    with on_terminal(command, tmp_path, environ | settings) as terminal:
        for text in shown:
            if text not in terminal.shown:
                terminal.wait_for(text)
        terminal.type("\n")
        rest = terminal.rest()

    assert terminal.process.returncode == 0
    assert "some.module" not in rest
    assert (ESCAPE in rest) is not bool(settings)


@pytest.mark.slow
def test_ctrl_c_brings_the_cursor_back(tmp_path, environ, template):
    """However the work ends, the terminal is left as it was."""
    with on_terminal([*BYO, "check", template], tmp_path, environ) as terminal:
        terminal.wait_for("training on sample/")
        terminal.type("\x03")
        shown = terminal.rest()

    assert terminal.process.returncode == 130
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert "byo check: interrupted" in lines(shown)
