"""The scheduler and the worker of a host: child processes that never outlive it.

The child holds one end of a socket pair, its leash. On it the child says when it is ready, and
by it learns that it is to be silent, or that its parent has ended, however that came.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from contract.requirements.overlay import interpreter
from training_entry.script.failure_report import signal_name

ENGINE = "training_entry.cluster.dask_process"
# A worker that a task has killed is started again, but not for ever.
MOST_DEATHS = 8
STOP_TIMEOUT = 10.0
# Libraries that would start a thread per core for each of the worker's threads.
POOLS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


class Kept:
    """A child process that is started, and started again when it dies; a context manager.

    Args:
        arguments: what ``engine`` is to run.
        cwd: the folder that it runs in.
        environ: its environment.
        on_ready: called, in a thread of its own, with what it says when it is ready.
        on_death: called, in the same thread, with how it ended and how often that has been.
        most_deaths: how often it may die before it is not started again.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        environ: Mapping[str, str],
        on_ready: Callable[[str], None],
        on_death: Callable[[str, int], None],
        most_deaths: int = MOST_DEATHS,
    ) -> None:
        self._arguments = arguments
        self._cwd = cwd
        self._environ = environ
        self._on_ready = on_ready
        self._on_death = on_death
        self._most_deaths = most_deaths
        self._lock = threading.Lock()
        self._stopped = False
        self._process: subprocess.Popen[bytes] | None = None
        self._leash: socket.socket | None = None
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> Kept:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._stopped = True
            if self._process is not None:
                _kill_group(self._process.pid)
        self._thread.join(STOP_TIMEOUT)

    def silence(self) -> None:
        """Have the child log nothing more."""
        with self._lock, contextlib.suppress(OSError):  # there may be none any more
            if self._leash is not None:
                self._leash.sendall(b".")

    def _keep(self) -> None:
        for death in range(1, self._most_deaths + 1):
            leash = self._start(death)
            if leash is None:
                return
            with leash, leash.makefile("r", encoding="utf-8") as said:
                if line := said.readline():
                    self._on_ready(line.strip())
                assert self._process is not None  # noqa: S101 - for the type checker
                code = self._process.wait()
            _kill_group(self._process.pid)
            with self._lock:
                if self._stopped:
                    return
            self._on_death(describe_death(code), death)

    def _start(self, number: int) -> socket.socket | None:
        """Start the child; None if there is to be none any more."""
        ours, theirs = socket.socketpair()
        with self._lock, theirs:
            if self._stopped:
                ours.close()
                return None
            self._process = subprocess.Popen(
                [interpreter(self._environ), "-m", ENGINE, *self._arguments, str(number)],
                cwd=self._cwd,
                env=self._environ,
                stdin=theirs.fileno(),
                process_group=0,
            )
            self._leash = ours
        return ours


def worker_environ(environ: Mapping[str, str], directory: Path) -> dict[str, str]:
    """The environment in which user code runs on a worker.

    Its folder is importable, and each of the worker's threads computes on one core, unless the
    user has set otherwise.
    """
    path = [str(directory), *filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))]
    defaults = dict.fromkeys(POOLS, "1") | {"PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"}
    return defaults | dict(environ) | {"PYTHONPATH": os.pathsep.join(path)}


def describe_death(code: int) -> str:
    """How a process ended, as a clause.

    Args:
        code: its exit code, or minus the number of the signal that killed it.
    """
    if code >= 0:
        return f"ended with exit code {code}"
    hint = ": probably out of memory" if -code == signal.SIGKILL else ""
    return f"was killed by {signal_name(-code)}{hint}"


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
