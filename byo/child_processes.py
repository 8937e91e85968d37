"""Child processes that never outlive the command that started them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import byo

# More than a container gets on SageMaker's side of a stop would never be seen there.
STOP_GRACE_SECONDS = 30.0


@contextmanager
def child(
    command: Sequence[str | Path],
    environ: Mapping[str, str],
    *,
    stdout: int | IO[bytes] | None = None,
    grace: float = STOP_GRACE_SECONDS,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in a session of its own; on the way out, nothing of it is left.

    Args:
        command: the program and its arguments.
        environ: the child's whole environment.
        stdout: where its output and its errors go; None for this process's own.
        grace: seconds it has to stop by itself after SIGTERM.
    """
    process = subprocess.Popen(
        command,
        env=with_packages(environ),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=None if stdout is None else subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        stop(process, grace)


def stop(process: subprocess.Popen[bytes], grace: float = STOP_GRACE_SECONDS) -> None:
    """Ask a process to stop, wait, then kill what is left of it and of all it started."""
    members = [_pidfd(pid) for pid in family(process.pid)]
    try:
        if process.poll() is None:
            process.terminate()
            process.wait(grace)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        for pidfd in filter(None, members):
            _kill(pidfd)
        process.wait()


def with_packages(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment in which a child finds this project's packages.

    Installed packages are found anyway; a checkout that is run in place has to be named.
    """
    root = Path(byo.__file__).parents[1]
    if root.name in ("site-packages", "dist-packages"):
        return dict(environ)
    rest = [part for part in environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    paths = rest if str(root) in rest else [str(root), *rest]
    return {**environ, "PYTHONPATH": os.pathsep.join(paths)}


def family(leader: int) -> list[int]:
    """The processes of a leader's session, and all that descend from any of them."""
    table = _process_table()
    family = {pid for pid, (_, session) in table.items() if session == leader} | {leader}
    while more := {pid for pid, (parent, _) in table.items() if parent in family} - family:
        family |= more
    return sorted(family - {leader})


def _process_table() -> dict[int, tuple[int, int]]:
    """The parent and the session of every process, by its id."""
    table = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with suppress(OSError):
            # The name, in parentheses, may itself hold blanks and parentheses.
            fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            table[int(entry.name)] = (int(fields[1]), int(fields[3]))
    return table


def _pidfd(pid: int) -> int | None:
    """A handle that can't come to mean another process, or None if it has ended already."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _kill(pidfd: int) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    os.close(pidfd)
