"""Jobs of several hosts on one machine: a tree and a `train` for each, on loopback addresses."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.training.jobs import DEADLINE, FIXTURES, Job

LEADER, SECOND, THIRD = HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
MARK = "BYO_TEST_MARK"


@dataclass
class Cluster:
    """One job: its hosts' trees, what their tasks have left, and their processes once they run."""

    folder: Path
    names: tuple[str, ...] = HOSTS
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        self.seen = self.folder / "seen"
        for folder in (self.seen, *(self.folder / name for name in self.names)):
            folder.mkdir()
        common = {
            MARK: self.mark,
            "SEEN": str(self.seen),
            "BYO_CLUSTER_PORT": str(free_port()),
            "LOKY_MAX_CPU_COUNT": "1",
        }
        self.hosts = {
            name: Job(self.folder / name / "ml", environ={**common, "HOST_OF_TEST": name})
            for name in self.names
        }

    def submit(self, fixture: str) -> None:
        """Submit a fixture in script mode; the job's hyperparameters are alike on every host."""
        first, *others = self.hosts.values()
        first.submit(f"cluster/{fixture}", "train.py")
        for job in others:
            job.hyperparameters = first.hyperparameters

    def bake_in(self, fixture: str) -> None:
        """Have a fixture as the algorithm folder of every host's image."""
        folder = self.folder / "baked-in"
        shutil.copytree(FIXTURES / "cluster" / fixture, folder)
        self.set(BYO_ALGORITHM_DIR=str(folder))

    def set(self, **environ: str) -> None:
        """Set environment variables of every host."""
        for job in self.hosts.values():
            job.environ |= environ

    def start(self, *names: str) -> None:
        """Start `train` on the hosts named, on all of them if none is; each has its own log."""
        for name in names or self.names:
            job = self.hosts[name]
            config = job.base / "input" / "config"
            config.mkdir(parents=True)
            hosts = {"current_host": name, "hosts": list(self.names)}
            (config / "inputdataconfig.json").write_text("{}")
            (config / "resourceconfig.json").write_text(json.dumps(hosts))
            (config / "hyperparameters.json").write_text(json.dumps(job.hyperparameters))
            with self.log_file(name).open("w") as log:
                job.start(stdout=log, stderr=subprocess.STDOUT)

    def wait(self, *names: str) -> list[int]:
        """The exit codes of the hosts named, of all that were started if none is."""
        started = [name for name in self.names if self.hosts[name].started]
        return [self.hosts[name].started[0].wait(DEADLINE) for name in names or started]

    def wait_for_tasks(self, *names: str) -> None:
        """Wait until a task has begun on each of the hosts named."""
        until = time.monotonic() + DEADLINE
        while missing := [name for name in names if not (self.seen / name).exists()]:
            assert time.monotonic() < until, f"no task on {missing}: {self.logs}"
            time.sleep(0.05)

    def go(self) -> None:
        """Let the tasks go on that wait for it."""
        (self.seen / "go").touch()

    def signal(self, name: str, number: int) -> None:
        """Send a signal to a host's `train`."""
        self.hosts[name].started[0].send_signal(number)

    def log_file(self, name: str) -> Path:
        return self.folder / name / "log"

    def log(self, name: str) -> str:
        """What a host has printed."""
        return self.log_file(name).read_text(errors="replace")

    @property
    def logs(self) -> str:
        """What all hosts have printed."""
        return "\n".join(f"== {name} ==\n{self.log(name)}" for name in self.names)

    @property
    def failures(self) -> set[str]:
        """The different texts in the hosts' failure files."""
        return {job.failure for job in self.hosts.values() if job.started}

    def model_files(self, name: str) -> set[str]:
        return {file.name for file in (self.hosts[name].base / "model").iterdir()}

    def processes(self) -> list[int]:
        """The job's processes that are alive, on whichever host."""
        entry = f"{MARK}={self.mark}".encode()
        return [pid for pid in _pids() if entry in _environ(pid).split(b"\0")]

    def left_processes(self) -> list[int]:
        """The job's processes that do not end within a few seconds."""
        until = time.monotonic() + 10
        while (alive := self.processes()) and time.monotonic() < until:
            time.sleep(0.05)
        return alive

    def end(self) -> None:
        """Kill what a test that failed midway has left running."""
        for job in self.hosts.values():
            for process in job.started:
                process.kill()
                process.wait(DEADLINE)
        for pid in self.left_processes():
            os.kill(pid, signal.SIGKILL)


@contextmanager
def one_host(folder: Path) -> Iterator[Job]:
    """A job of a single host that runs the same fixture."""
    job = Job(folder / "alone" / "ml")
    job.submit("cluster/search", "train.py")
    yield job
    job.end()


def free_port() -> int:
    """A port that was free on the leader's address a moment ago."""
    with socket.create_server((LEADER, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _environ(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
