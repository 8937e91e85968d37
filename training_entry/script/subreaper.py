"""Stands between the supervisor and the command, so that no process of the command is left.

Executed by its path: ``python -I -S subreaper.py STATUS_FD SUPERVISOR_PID COMMAND…``. Processes
that lose their parent become the subreaper's own (``PR_SET_CHILD_SUBREAPER``), also those that left
the command's process group, so it finds them all. When the supervisor is killed, the kernel tells
the subreaper; when the subreaper is killed, the kernel kills the command. SIGTERM and SIGINT go on
to the command's process group, SIGUSR1 ends everything at once.

The standard library alone is imported, and little of it: this runs beside every training.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any

# <linux/prctl.h>
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})
END_NOW = signal.SIGUSR1
SIGNALS = STOP_SIGNALS | {END_NOW, signal.SIGCHLD}
# What Python ignores and a new process should not.
RESTORED = (signal.SIGPIPE, signal.SIGXFSZ)
# How long what is left behind has to end after SIGTERM, and then after SIGKILL.
LEFTOVER_GRACE = 5.0
LEFTOVER_INTERVAL = 0.05
NOT_STARTED = 127


def main() -> None:
    """Run the command to the end of all its processes; write its return code and peak memory."""
    status, supervisor, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    os.set_inheritable(status, False)
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    adopt_orphans()
    _prctl(PR_SET_PDEATHSIG, END_NOW)
    if os.getppid() != supervisor:
        return
    child = _start(command)
    returncode, kibibytes, ended_now = _wait(child)
    with contextlib.suppress(OSError):  # a supervisor that was killed reads no more
        os.write(status, f"{returncode} {kibibytes}".encode())
    end_descendants(grace=0.0 if ended_now else LEFTOVER_GRACE, pause=_pause)


def adopt_orphans() -> None:
    """Make this process the parent of every descendant that loses its own."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


@contextlib.contextmanager
def no_process_left() -> Iterator[set[int]]:
    """End, after the block, all that was started in it; gives what was there before."""
    adopt_orphans()
    before = set(descendants(os.getpid()))
    try:
        yield before
    finally:
        end_descendants(keep=before)


def end_descendants(
    *,
    grace: float = LEFTOVER_GRACE,
    keep: Collection[int] = (),
    pause: Callable[[float], object] = time.sleep,
) -> None:
    """End every descendant of this process: SIGTERM first, SIGKILL after a while.

    Args:
        grace: seconds between the two. As many again are waited for what SIGKILL can't end
            either, such as a process that hangs in a file system.
        keep: the descendants to leave alone; theirs count as well.
        pause: waits for some seconds; what it returns, if true, asks for SIGKILL from now on.
    """
    told: set[int] = set()
    kill_at = time.monotonic() + grace
    give_up_at = kill_at + LEFTOVER_GRACE
    while living := _living(keep):
        kill = time.monotonic() >= kill_at
        for pid in living if kill else living - told:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL if kill else signal.SIGTERM)
        told |= living
        if time.monotonic() >= give_up_at:
            return
        if pause(LEFTOVER_INTERVAL):
            kill_at = 0.0


def descendants(root: int, keep: Collection[int] = ()) -> dict[int, str]:
    """The state letter of each process below one, by process id.

    Args:
        root: the process whose children, and their children, are meant.
        keep: processes to leave out, with all that is below them.
    """
    children: dict[int, list[tuple[int, str]]] = {}
    for pid, parent, state in _processes():
        children.setdefault(parent, []).append((pid, state))
    found: dict[int, str] = {}
    waiting = [root]
    while waiting:
        for pid, state in children.get(waiting.pop(), ()):
            if pid not in keep and pid not in found:
                found[pid] = state
                waiting.append(pid)
    return found


def _living(keep: Collection[int]) -> set[int]:
    """The descendants of this process that are left; those that have ended are reaped."""
    living = set()
    for pid, state in descendants(os.getpid(), keep).items():
        if state not in "ZX":
            living.add(pid)
            continue
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return living


def _processes() -> Iterator[tuple[int, int, str]]:
    """Process id, parent and state letter of every process."""
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib costs a start
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                # The command's name, in parentheses, may hold anything.
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        yield int(name), int(parent), state.decode()


def _start(command: list[str]) -> int:
    """Start the command, which dies with this process, in a group of its own."""
    subreaper = os.getpid()
    child = os.fork()
    if child:
        with contextlib.suppress(OSError):
            os.setpgid(child, child)
        return child
    try:
        os.setpgid(0, 0)
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == subreaper:
            for number in RESTORED:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.stderr.write(f"{command[0]} can't be started: {error.strerror}\n")
        sys.stderr.flush()
    os._exit(NOT_STARTED)


def _wait(child: int) -> tuple[int, int, bool]:
    """Pass signals on until the command ends.

    Returns:
        Its return code, negative for a signal; the most KiB that it or a process of it had
        resident; and whether it was to end at once.
    """
    ended_now = False
    while True:
        number = signal.sigwaitinfo(SIGNALS).si_signo
        if number == signal.SIGCHLD:
            pid, status, usage = _reap(child)
            if pid == child:
                return os.waitstatus_to_exitcode(status), usage.ru_maxrss, ended_now
        elif number == END_NOW:
            ended_now = True
            _signal_group(child, signal.SIGKILL)
        else:
            _signal_group(child, number)


def _reap(child: int) -> tuple[int, int, Any]:
    """Reap all that has ended; what the kernel says of the command, if it is among them."""
    while True:
        pid, status, usage = os.wait4(-1, os.WNOHANG)
        if pid in (0, child):
            return pid, status, usage


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _pause(seconds: float) -> bool:
    arrived = signal.sigtimedwait(SIGNALS, seconds)
    return arrived is not None and arrived.si_signo == END_NOW


def _prctl(option: int, value: int) -> None:
    # Where a kernel refuses, a kill may leave a process behind: no reason not to train.
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main()
