"""Forked children that die with their parent, are watched, and are reaped when they end."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import random
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterator

import numpy as np

from contract import json_output
from handler.processes.invocation_time_limit import end_overdue, prepare_process
from handler.processes.process_shared_memory import ProcessRecord

# How long a child that is stuck may take to end by a signal that it could ignore.
DEAF_SECONDS = 2.0
_SET_PARENT_DEATH_SIGNAL = 1
_LIBC = ctypes.CDLL(None, use_errno=True)

Ended = Callable[[ProcessRecord, int], None]


class ForkedChildren:
    """The forked children of this process."""

    def __init__(self) -> None:
        self._records: dict[int, ProcessRecord] = {}
        self._when_ended: dict[int, Ended] = {}

    def __len__(self) -> int:
        return len(self._records)

    def by_pid(self) -> dict[int, ProcessRecord]:
        """What each child tells."""
        return dict(self._records)

    def records(self) -> list[ProcessRecord]:
        """What the children tell, each of them."""
        return list(self._records.values())

    def fork(self, work: Callable[[ProcessRecord], None], when_ended: Ended) -> int:
        """Run work in a forked child that ends when it returns, or when this process ends.

        Args:
            work: called in the child with its record.
            when_ended: called here with the child's record and how it ended: an exit code, or the
                negative number of a signal.

        Returns:
            The child's process id.
        """
        # Made before the fork, so that both have it; the parent's id, too, which the child can't
        # ask for once the parent has ended. What is unwritten would else be written by both.
        record = ProcessRecord()
        parent = os.getpid()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            _run(work, record, parent)
        self._records[pid] = record
        self._when_ended[pid] = when_ended
        return pid

    def record_of(self, pid: int) -> ProcessRecord:
        """What a child tells."""
        return self._records[pid]

    def reap(self) -> bool:
        """Take note of every child that has ended; whether there was any."""
        found = False
        for pid, code in _ended():
            found = True
            record = self._records.pop(pid, None)
            if record is not None:
                self._when_ended.pop(pid)(record, code)
                record.close()
        return found

    def end_overdue(self) -> None:
        """End the children that are stuck in a computation: with their stacks in the log, if they
        let themselves be asked.
        """
        for pid, record in self._records.items():
            if record.is_overdue_by(DEAF_SECONDS):
                end(pid)
            elif record.is_overdue:
                end_overdue(pid)

    def forget(self) -> None:
        """Called in a process forked from this one, whose children they are not."""
        for record in self._records.values():
            record.close()
        self._records.clear()
        self._when_ended.clear()

    def end_all(self) -> None:
        """Kill all children, and what they have started."""
        for pid in self._records:
            end(pid)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)


def close_all_but(*kept: int) -> None:
    """Called in a child: let go of what its parent had open beside the standard streams."""
    first = 3
    for number in sorted(kept):
        os.closerange(first, number)
        first = number + 1
    os.closerange(first, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def end(pid: int) -> None:
    """Kill a child; it is reaped as any other."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _ended() -> Iterator[tuple[int, int]]:
    """The children that have ended, and how; with each goes what it had started itself."""
    _end_stopped()
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None:
            return
        # Until it is reaped, its id is that of no other process, nor of another group of them.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(ended.si_pid, signal.SIGKILL)
        _, status = os.waitpid(ended.si_pid, 0)
        yield ended.si_pid, os.waitstatus_to_exitcode(status)


def _end_stopped() -> None:
    """Kill the children that have been stopped: nobody would ever let them go on."""
    with contextlib.suppress(ChildProcessError):
        while stopped := os.waitid(os.P_ALL, 0, os.WSTOPPED | os.WNOHANG):
            end(stopped.si_pid)


def _run(work: Callable[[ProcessRecord], None], record: ProcessRecord, parent: int) -> None:
    """What a child does: it never returns into its parent's code."""
    code = 1
    try:
        _die_with(parent)  # first: until then nothing ends this process with its parent
        os.setpgid(0, 0)  # for what it starts itself to be ended with it
        # The parent's handlers and its wakeup socket come along, and are not meant for here.
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        prepare_process()
        # Else every child would draw the same numbers as its siblings.
        np.random.seed(int.from_bytes(os.urandom(4), sys.byteorder))
        random.seed()
        # What the parent has is no garbage here: to look at it would be to copy its pages, those of
        # every other model's among them.
        gc.freeze()
        gc.enable()
        work(record)
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            json_output.finish()
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _die_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends."""
    if _LIBC.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    # Asked after: a parent that ended before the kernel was told is not told of any more.
    if os.getppid() != parent:
        os._exit(1)
