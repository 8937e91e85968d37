"""A stop of `serve` while it still prepares its start: it ends at once, with all it has started."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from pathlib import Path

import pytest

from byo.endpoint import serving_environ
from byo.endpoint.local_endpoint import SERVE_COMMAND
from handler.serve.pick_free_port import free_port
from tests.serving.conftest import DEADLINE, make_tree, save_positional
from tests.serving.test_misbehaviour import wait_until
from tests.serving.test_model_requirements import OFFLINE, project

pytestmark = pytest.mark.slow

HANGS = """\
import os
import time
from pathlib import Path

Path({file!r}).write_text(str(os.getpid()))
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("number", "code", "line"),
    [
        (signal.SIGTERM, 0, "serve: stopped by SIGTERM before it was started"),
        (signal.SIGINT, 130, "serve: interrupted before it was started"),
    ],
)
def test_a_stop_while_pip_installs(
    tmp_path: Path, number: signal.Signals, code: int, line: str
) -> None:
    """pip ends as well, and what it builds; the log ends with one line, and no folder stays."""
    tree, scratch, told = make_tree(tmp_path), tmp_path / "scratch", tmp_path / "told"
    scratch.mkdir()
    save_positional(tree.paths.model)
    code_dir = tree.paths.model / "code"
    (project(code_dir) / "setup.py").write_text(HANGS.format(file=str(told)))
    (code_dir / "requirements.txt").write_text(".")
    environ = {**tree.environ(**OFFLINE), "TMPDIR": str(scratch)}
    process = subprocess.Popen(
        SERVE_COMMAND,
        env=serving_environ(environ, tree.paths, tree.algorithm, free_port()),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until(lambda: told.is_file() and bool(told.read_text()), DEADLINE)
        builder = os.pidfd_open(int(told.read_text()))
        process.send_signal(number)
        output, _ = process.communicate(timeout=DEADLINE)
    finally:
        process.kill()

    ended, _, _ = select.select([builder], [], [], DEADLINE)
    os.close(builder)
    assert ended
    assert process.returncode == code
    assert output.splitlines()[-1] == line
    assert "Traceback" not in output
    assert list(scratch.iterdir()) == []
