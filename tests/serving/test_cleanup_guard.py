"""The guard's shell program: it waits, and ends what a killed `serve` leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from handler.serve.cleanup_guard import CleanupGuard
from tests.serving.backend.processes import await_end, eventually

MARK = "BYO_TEST_GUARD"
SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
SECONDS = 30.0


@contextmanager
def sleeping(*, group: int | None = None, mark: str | None = None) -> Iterator[psutil.Process]:
    """A process that sleeps, in a process group of its own or another's."""
    environ = {"PATH": os.defpath} | ({MARK: mark} if mark else {})
    with subprocess.Popen(SLEEP, env=environ, process_group=group) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            process.kill()


def has_ended(process: psutil.Process) -> bool:
    return process.wait(SECONDS) == -signal.SIGKILL


def ignores(pid: int, number: int) -> bool:
    """Whether a process ignores a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line for line in status.splitlines() if line.startswith("SigIgn:"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)


def test_it_ends_the_group_and_what_is_marked(tmp_path: Path) -> None:
    """Not what another server has started, though its mark begins alike; and the folder goes."""
    folder = tmp_path / "a folder's name"
    folder.mkdir()
    (folder / "file").touch()
    mark = str(folder)
    with (
        sleeping(group=0) as frontend,
        sleeping(group=frontend.pid) as beside,
        sleeping(group=0, mark=mark) as marked,
        sleeping(group=0, mark=f"{mark}2") as others,
    ):
        guard = CleanupGuard(frontend.pid, folder, f"{MARK}={mark}")

        assert guard.do_its_work(SECONDS)

        assert [has_ended(one) for one in (frontend, beside, marked)] == [True] * 3
        assert others.is_running()
        assert not folder.exists()


def test_it_works_when_its_parent_is_killed(tmp_path: Path) -> None:
    """Nobody tells it: its input ends."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    with sleeping(group=0) as frontend:
        program = (
            "import sys; from pathlib import Path\n"
            "from handler.serve.cleanup_guard import CleanupGuard\n"
            f"guard = CleanupGuard({frontend.pid}, Path({str(folder)!r}), '{MARK}=none')\n"
            "print(guard.pid, flush=True); sys.stdin.read()"
        )
        with subprocess.Popen(
            [sys.executable, "-P", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as parent:
            assert parent.stdout is not None
            guard = psutil.Process(int(parent.stdout.readline()))
            parent.kill()

            await_end([guard])

        assert has_ended(frontend)
        assert not folder.exists()


def test_a_signal_for_all_is_not_for_it(tmp_path: Path) -> None:
    """Ctrl-C, or a terminal that closes: what `serve` leaves still has to be ended."""
    with sleeping(group=0) as frontend:
        guard = CleanupGuard(frontend.pid, tmp_path / "scratch", f"{MARK}=none")
        eventually(lambda: ignores(guard.pid, signal.SIGTERM))  # the shell has begun
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(guard.pid, number)

        assert guard.do_its_work(SECONDS)

        assert has_ended(frontend)
