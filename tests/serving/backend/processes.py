"""The processes of one server: which is which, how to end them, and what is left of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from contract.settings import ALGORITHM_DIR_VARIABLE
from tests.serving.conftest import FIXTURES, Tree

# For whatever is to come about: far more than it takes, as the machine may be busy.
SECONDS = 60.0
# With this, `serve` adopts orphans as it does in a container, where it is the first process.
AS_FIRST_PROCESS = {"PYTHONPATH": str(FIXTURES / "first_process")}

Found = TypeVar("Found")


@dataclass(frozen=True)
class Processes:
    """The processes that belong to a tree's server, as they are at the moment of each call."""

    tree: Tree

    def all(self) -> list[psutil.Process]:
        """Every one that has the tree in its environment: whatever the server started."""
        folder = str(self.tree.algorithm.folder)
        return [one for one in psutil.process_iter() if _algorithm_of(one) == folder]

    def supervisor(self) -> psutil.Process:
        return self._only("handler.serve.command")

    def frontend(self) -> psutil.Process:
        return self._only("com.amazonaws.ml.mms.ModelServer")

    def fork_server(self) -> psutil.Process:
        """The one that launchers write to; another of its kind stands by."""
        supervisor = self.supervisor()
        return next(
            one for one in self._forks() if one.parent() == supervisor and _holds(one, "launch")
        )

    def standby(self) -> psutil.Process:
        """What will take the fork server's place."""
        supervisor, fork_server = self.supervisor(), self.fork_server()
        return next(
            one for one in self._forks() if one.parent() == supervisor and one != fork_server
        )

    def guard(self) -> psutil.Process:
        """The shell that cleans up after the supervisor."""
        return next(one for one in self.supervisor().children() if one.name() == "sh")

    def hosts(self) -> list[psutil.Process]:
        """What was forked from the fork server."""
        fork_server = self.fork_server()
        return [one for one in self._forks() if one.parent() == fork_server]

    def host_of(self, model_dir: Path) -> psutil.Process:
        """A host works in the folder of its model."""
        return next(one for one in self.hosts() if one.cwd() == str(model_dir))

    def workers_of(self, model_dir: Path) -> list[psutil.Process]:
        return self.workers_below(self.host_of(model_dir))

    def workers_below(self, host: psutil.Process) -> list[psutil.Process]:
        """Those below a host that answer: they have forked none."""
        below = host.children(recursive=True)
        forks = [one for one in below if one in self._forks()]
        parents = {one.ppid() for one in forks}
        return [one for one in forks if one.pid not in parents]

    def launcher_of(self, model_dir: Path) -> psutil.Process:
        return next(one for one in self._with(_LAUNCHER) if str(model_dir) in one.cmdline())

    def launchers(self) -> list[psutil.Process]:
        return self._with(_LAUNCHER)

    def zombies(self) -> list[psutil.Process]:
        """What has ended below the supervisor, and nobody has taken record of."""
        below = self.supervisor().children(recursive=True)
        return [one for one in below if _is_zombie(one)]

    def _only(self, word: str) -> psutil.Process:
        """The one with a word in its command; what it is just starting has the same for a moment.

        Raises:
            ValueError: there is none.
        """
        found = self._with(word)
        parents = {one.pid for one in found}
        (one,) = [one for one in found if _parent_of(one) not in parents]
        return one

    def _forks(self) -> list[psutil.Process]:
        return self._with("handler.fork_server.fork_server_main")

    def _with(self, word: str) -> list[psutil.Process]:
        return [one for one in self.all() if word in _command_of(one)]


def _parent_of(process: psutil.Process) -> int | None:
    """A process's parent; None if it has just ended."""
    with suppress(psutil.Error):
        return int(process.ppid())
    return None


def eventually(find: Callable[[], Found], seconds: float = SECONDS) -> Found:
    """What is found as soon as it is something; what has just ended is looked for again."""
    deadline = time.monotonic() + seconds
    while True:
        found = None
        try:
            if found := find():
                return found
        except (psutil.NoSuchProcess, StopIteration, ValueError):
            pass
        assert time.monotonic() < deadline, f"there was only {found!r} within {seconds} s"
        time.sleep(0.02)


def kill(*processes: psutil.Process) -> None:
    """End processes without asking, and wait until they have gone."""
    for process in processes:
        process.kill()
    await_end(processes)


def await_end(processes: Iterable[psutil.Process]) -> None:
    """Wait until processes have ended and their parents have taken record."""
    _, left = psutil.wait_procs(list(processes), timeout=SECONDS)
    assert left == [], left


_LAUNCHER = "model_service_worker.py"


def _algorithm_of(process: psutil.Process) -> str | None:
    try:
        found: str | None = process.environ().get(ALGORITHM_DIR_VARIABLE)
    except (psutil.Error, OSError):
        return None
    return found


def _command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _holds(process: psutil.Process, name: str) -> bool:
    """Whether a process has a pipe of that name open."""
    for file in Path(f"/proc/{process.pid}/fd").iterdir():
        with suppress(OSError):  # it is closed by now
            if file.readlink().name == name:
                return True
    return False


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
