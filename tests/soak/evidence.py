"""What is kept of a request that nobody answers, taken while it still waits or just after."""

from __future__ import annotations

import shutil
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from byo.command_errors import RunFailed
from byo.endpoint import Client
from tests.serving.backend.processes import Processes
from tests.soak.tally import Suspect

MOST = 10
SECONDS = 10.0


@dataclass
class Evidence:
    """Writes a file for each of the first requests that hang.

    Args:
        folder: where the files go.
        url: the server's address.
        processes: the server's.
    """

    folder: Path
    url: str
    processes: Processes
    _taken: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, suspect: Suspect) -> None:
        """Write down how the frontend sees the model, every process, and the JVM's threads."""
        with self._lock:
            if self._taken == MOST:
                return
            self._taken += 1
            parts = [str(suspect), self._description(suspect.asked.model), self._listing()]
            parts.append(self._java_threads())
            file = self.folder / f"hung-{self._taken}.txt"
            file.write_text("\n\n".join(parts), encoding="utf-8")

    def _description(self, model: str) -> str:
        try:
            with Client(self.url, SECONDS) as client:
                return client.request("GET", f"/models/{model}").body.decode(errors="replace")
        except RunFailed as error:
            return f"the frontend says nothing of {model}: {error}"

    def _listing(self) -> str:
        return "\n".join(map(_line, self.processes.all()))

    def _java_threads(self) -> str:
        try:
            frontend = self.processes.frontend()
            tool = java_tool(frontend, "jstack")
            if tool is None:
                return "there is no jstack"
            done = subprocess.run(
                [tool, str(frontend.pid)], capture_output=True, text=True, timeout=SECONDS
            )
        except (psutil.Error, ValueError, OSError, subprocess.SubprocessError) as error:
            return f"no threads of the JVM: {error}"
        return done.stdout + done.stderr


def java_tool(frontend: psutil.Process, name: str) -> str | None:
    """A tool of the JDK that a JVM is of, if it has it."""
    beside = Path(frontend.exe()).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


def _line(process: psutil.Process) -> str:
    try:
        with process.oneshot():
            parts = (process.pid, process.ppid(), process.status(), process.cwd())
            return f"{' '.join(map(str, parts))} {' '.join(process.cmdline())[-120:]}"
    except psutil.Error as error:
        return str(error)
