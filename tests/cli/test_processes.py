import subprocess
import sys

import pytest

from byo.child_processes import child
from byo.table import render

# A process that ignores SIGTERM and starts another in a session of its own.
STUBBORN = """\
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleeper = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
subprocess.Popen(sleeper, start_new_session=True)
time.sleep(600)
"""


def test_nothing_outlives_its_block(environ, survivors):
    """A process that ignores SIGTERM and its child in another session are both killed."""
    command = (sys.executable, "-c", STUBBORN)
    with child(command, environ, stdout=subprocess.PIPE, grace=0.2) as process:
        assert process.stdout.readline() == b"up\n"
    process.stdout.close()

    assert process.returncode == -9
    assert survivors() == []


def test_an_error_in_the_block_stops_the_child(environ, survivors):
    """Whatever ends the block ends the process."""
    with (
        pytest.raises(KeyboardInterrupt),
        child((sys.executable, "-c", "import time; time.sleep(600)"), environ),
    ):
        raise KeyboardInterrupt

    assert survivors() == []


def test_a_table_aligns_numbers_to_the_right():
    """Columns of numbers end together, all others begin together."""
    text = render(["name", "count"], [["a", 1], ["bcdef", 1234.5678], ["z", None]])

    assert text.splitlines() == [
        "name   count",
        "-----  -----",
        "a          1",
        "bcdef   1235",
        "z",
    ]
