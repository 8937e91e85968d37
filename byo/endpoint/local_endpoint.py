"""Start the real server on a free port of this machine, and surely stop it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from byo.algorithm_folder import Algorithm
from byo.child_processes import child
from byo.command_errors import EndpointFailed
from byo.endpoint.client import Client
from byo.prerequisites import require_serving
from contract.paths import BASE_DIR_VARIABLE, Paths
from contract.settings import ALGORITHM_DIR_VARIABLE
from handler.serve.pick_free_port import free_port

ADDRESS = "127.0.0.1"
BIND_ADDRESS_VARIABLE = "BYO_BIND_ADDRESS"
# As text and as JSON.
READY_LINES = (b"serve: ready on ", b'"message": "ready on ')
# -P: a handler.py in the current folder is not the handler meant.
SERVE_COMMAND = (sys.executable, "-P", "-m", "handler.serve.command")
STARTUP_SECONDS = 120.0
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class LocalEndpoint:
    """A server that is ready.

    Args:
        url: its address, without a path.
        log: the file that takes what it prints.
    """

    url: str
    log: Path

    def client(self) -> Client:
        return Client(self.url)


def serving_environ(
    environ: Mapping[str, str],
    paths: Paths,
    algorithm: Algorithm,
    port: int,
    *,
    multi_model: bool = False,
    address: str = ADDRESS,
) -> dict[str, str]:
    """The caller's environment, with what makes `serve` serve this tree, on this machine alone
    unless another address is given.
    """
    return {
        **environ,
        BASE_DIR_VARIABLE: str(paths.base),
        ALGORITHM_DIR_VARIABLE: str(algorithm.folder),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        BIND_ADDRESS_VARIABLE: address,
        "SAGEMAKER_MULTI_MODEL": "true" if multi_model else "false",
    }


@contextmanager
def local_endpoint(
    paths: Paths,
    algorithm: Algorithm,
    environ: Mapping[str, str],
    *,
    log: Path,
    multi_model: bool = False,
    startup_timeout: float = STARTUP_SECONDS,
) -> Iterator[LocalEndpoint]:
    """A server on a free port, from when it is ready until the block ends.

    Args:
        paths: the tree whose model directory is served.
        algorithm: the folder whose inference.py serves a model that brings none.
        environ: the caller's environment.
        log: the file that takes what the server prints.
        multi_model: whether models come and go at run time.
        startup_timeout: seconds until it must be ready.

    Raises:
        MissingPrerequisite: multi-model-server or Java is not installed.
        EndpointFailed: it ended, or was not ready in time; the message has its last line.
    """
    require_serving(environ)
    port = free_port()
    environ = serving_environ(environ, paths, algorithm, port, multi_model=multi_model)
    with child(SERVE_COMMAND, environ, stdout=subprocess.PIPE) as process:
        output = _Output(process, log)
        output.start()
        _wait_until_ready(process, output, startup_timeout)
        yield LocalEndpoint(f"http://{ADDRESS}:{port}", log)


class _Output(threading.Thread):
    """Writes what a server prints to a file, and tells when it is ready or has ended."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        super().__init__(name="server output", daemon=True)
        self.log = log
        self.last_line = b""
        self.ready = False
        self.settled = threading.Event()
        self._stream: IO[bytes] = process.stdout  # type: ignore[assignment]

    def run(self) -> None:
        with self._stream, self.log.open("wb", buffering=0) as file:
            for line in self._stream:
                file.write(line)
                self.last_line = line.strip() or self.last_line
                if any(ready in line for ready in READY_LINES):
                    self.ready = True
                    self.settled.set()
        self.settled.set()


def _wait_until_ready(
    process: subprocess.Popen[bytes], output: _Output, startup_timeout: float
) -> None:
    deadline = time.monotonic() + startup_timeout
    while not output.settled.wait(POLL_SECONDS):
        # A child of its own may hold the pipe open after the server itself has gone.
        if process.poll() is not None:
            output.join(POLL_SECONDS)
            break
        if time.monotonic() > deadline:
            raise EndpointFailed(
                f"the server was not ready within {startup_timeout:g} s; its last line: "
                f"{_last_line(output)}",
                output.log,
            )
    if not output.ready:
        raise EndpointFailed(f"the server ended: {_last_line(output)}", output.log)


def _last_line(output: _Output) -> str:
    return output.last_line.decode(errors="replace") or "(it printed nothing)"
