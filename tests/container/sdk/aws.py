"""What stands in for AWS: moto's server, in a process of its own."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from byo.child_processes import child

STARTUP_SECONDS = 60.0
POLL_SECONDS = 0.1


@contextmanager
def moto_server(python: Path, address: str, log: Path) -> Iterator[str]:
    """The URL of a server of S3 and more, empty at first.

    Args:
        python: the interpreter that moto is installed for.
        address: where to listen; containers reach their engine's gateway only.
        log: the file for what it prints.
    """
    port = _free_port(address)
    command = [python, "-I", "-m", "moto.server", "--host", address, "--port", str(port)]
    with log.open("wb") as stream, child(command, os.environ, stdout=stream) as process:
        deadline = time.monotonic() + STARTUP_SECONDS
        while not _answers(address, port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "moto's server did not start in time"
            time.sleep(POLL_SECONDS)
        yield f"http://{address}:{port}"


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False
