"""``byo play`` as a process: a page for a server that runs already."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from byo.child_processes import child
from contract.signature import FILE_NAME
from tests.runtime.running import read
from tests.runtime.stub_container import StubContainer

PLAY = (sys.executable, "-P", "-m", "byo", "play")
SECONDS = 60.0
SIGNATURE = {"format": 1, "inputs": [{"name": "mass", "kind": "number"}]}


@pytest.mark.slow
def test_a_server_that_runs_gets_a_form(stub: StubContainer, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(json.dumps(SIGNATURE))
    command = (*PLAY, "--url", stub.url, "--model", tmp_path, "--port", "0")
    environ = {**os.environ, "HOME": str(tmp_path)}

    with child(command, environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if b"shows them" in line).decode()
        url = re.findall(r"http://127\.0\.0\.1:\d+", line)[0]
        found = json.loads(read(f"{url}/-/signature?endpoint=play"))
        assert [each["name"] for each in found["columns"]] == ["mass"]
        assert "<form" in read(url)
        process.terminate()
        assert process.wait(SECONDS) == 0
        process.stdout.close()


@pytest.mark.slow
def test_a_folder_that_says_nothing_is_refused(tmp_path: Path) -> None:
    printed = tmp_path / "printed"
    with (
        printed.open("wb") as output,
        child((*PLAY, "--model", tmp_path, "--port", "0"), os.environ, stdout=output) as process,
    ):
        assert process.wait(SECONDS) == 2
    assert f"{tmp_path} has no {FILE_NAME}: leave --model out to type a body" in printed.read_text()
