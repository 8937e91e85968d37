"""Forked children that die with their parent, are watched, and are reaped when they end."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable, Iterator

import numpy as np

from handler.backend.watch import Note, end_overdue, prepare_process

_SET_PARENT_DEATH_SIGNAL = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class Children:
    """The forked children of this process.

    Args:
        when_ended: called with a child's process id, its note, and how it ended: an exit code,
            or the negative number of a signal.
    """

    def __init__(self, when_ended: Callable[[int, Note, int], None]) -> None:
        self._notes: dict[int, Note] = {}
        self._when_ended = when_ended

    def __len__(self) -> int:
        return len(self._notes)

    def fork(self, work: Callable[[Note], None]) -> int:
        """Run work in a forked child that ends when it returns, or when this process ends."""
        note = Note()
        parent = os.getpid()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            _run(work, note, parent)
        self._notes[pid] = note
        return pid

    def note_of(self, pid: int) -> Note:
        """What a child tells."""
        return self._notes[pid]

    def reap(self) -> None:
        """Take note of every child that has ended."""
        for pid, code in _ended():
            note = self._notes.pop(pid, None)
            if note is not None:
                self._when_ended(pid, note, code)
                note.close()

    def end_overdue(self) -> None:
        """End the children that are stuck in a computation."""
        for pid, note in self._notes.items():
            if note.overdue:
                end_overdue(pid)


def end(pid: int) -> None:
    """Kill a child; it is reaped as any other."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _ended() -> Iterator[tuple[int, int]]:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, os.waitstatus_to_exitcode(status)


def _run(work: Callable[[Note], None], note: Note, parent: int) -> None:
    """What a child does: it never returns into its parent's code."""
    code = 1
    try:
        _die_with(parent)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        prepare_process()
        # Else every child would draw the same numbers as its siblings.
        np.random.seed()
        random.seed()
        gc.enable()
        work(note)
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _die_with(parent: int) -> None:
    if _LIBC.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os._exit(1)
