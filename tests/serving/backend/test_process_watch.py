"""Waiting for the ends of processes, with the kernel's descriptors and without them."""

from __future__ import annotations

import errno
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from handler.processes import process_watch
from handler.processes.process_watch import close_watch, open_watch, send_signal
from tests.serving.backend.processes import Processes, eventually
from tests.serving.conftest import FIXTURES, Tree, make_tree, running, save_positional
from tests.serving.test_multi_model import invoke, load, unload

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture(params=["pidfd", errno.ENOSYS, errno.EPERM])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that has the descriptors, and two that refuse them."""
    if request.param == "pidfd":
        return

    def refuse(*arguments: object) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(os, "pidfd_open", refuse)
    monkeypatch.setattr(signal, "pidfd_send_signal", refuse)
    monkeypatch.setattr(process_watch, "_looker", None)


def ends(descriptor: int, seconds: float) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])


@pytest.mark.usefixtures("kernel")
def test_tells_the_end_of_a_process() -> None:
    """Whether it is killed, or has ended before, or was reaped; and of none other."""
    first, second = subprocess.Popen(SLEEPER), subprocess.Popen(SLEEPER)
    watches = [open_watch(one.pid) for one in (first, second)]
    try:
        assert not ends(watches[0], 0.2)
        send_signal(watches[0], signal.SIGTERM)
        assert ends(watches[0], 20)
        late = open_watch(first.pid)  # nobody has waited for it yet
        assert ends(late, 20)
        close_watch(late)
        first.wait(20)
        with pytest.raises(ProcessLookupError):
            send_signal(watches[0], signal.SIGTERM)
        with pytest.raises(ProcessLookupError):
            open_watch(first.pid)
        assert not ends(watches[1], 0.2)
    finally:
        for one, watch in zip((first, second), watches, strict=True):
            one.kill()
            one.wait()
            close_watch(watch)


@pytest.mark.slow
@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM])
def test_serves_where_they_are_refused(tmp_path: Path, number: int) -> None:
    """Models load and unload, and what dies is replaced, as anywhere."""
    tree = make_tree(tmp_path)
    save_positional(tree.paths.model)
    refusing = {
        "PYTHONPATH": str(FIXTURES / "without_pidfd"),
        "REFUSED_ERRNO": str(number),
        "MODEL_SERVER_WORKERS": "2",
    }

    with running(tree, **refusing) as server:
        assert server.post("2,0\n").status == 200
        host = Processes(tree).hosts()[0]
        host.kill()
        psutil.wait_procs([host], 20)
        eventually(lambda: server.post("2,0\n").status == 200)
        assert "pidfd_open is refused" in server.log.read_text()

    save_positional(tmp_path / "a")
    with running(tree, multi_model=True, **refusing) as server:
        for _ in range(2):
            assert load(server, "a", tmp_path / "a") == 200
            assert invoke(server, "a", b"2,0\n") == (200, b"1\n")
            assert unload(server, "a") == 200
        (tmp_path / "a" / "model.joblib").write_bytes(b"")
        assert load(server, "a", tmp_path / "a") == 500


@pytest.mark.slow
def test_a_load_that_dies_is_noticed_without_them(tree: Tree) -> None:
    """The server ends with the reason."""
    from tests.serving.conftest import run_to_its_end

    save_positional(tree.paths.model)
    tree.inference("dies_on_import.py")

    code, output = run_to_its_end(tree, PYTHONPATH=str(FIXTURES / "without_pidfd"))

    assert code == 4
    assert "exit code 9" in output.splitlines()[-1]
