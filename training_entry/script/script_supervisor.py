"""Runs one command under a subreaper, and stays with it until none of its processes is left.

What the command prints is passed on at once. SIGTERM and SIGINT go on to the command's process
group, which then has a grace period.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training_entry.script import subreaper
from training_entry.script.output_relay import Relay
from training_entry.script.resource_usage import Meter, Usage
from training_entry.script.wait_settings import LONGEST_GRACE

STDOUT, STDERR = 1, 2
CHUNK = 4096
KIBIBYTE = 1024


@dataclass(frozen=True)
class Ending:
    """How a supervised command ended.

    Args:
        returncode: its exit code, or minus the number of the signal that killed it.
        stopped_by: the number of the first signal that asked us to stop, or None.
        overdue: whether it outlived the grace period and was killed.
        stderr: the end of what it wrote to stderr.
        peak: the most memory that its processes had together, as far as sampled.
        seconds: how long it ran.
    """

    returncode: int
    stopped_by: int | None = None
    overdue: bool = False
    stderr: str = ""
    peak: Usage = Usage(0, 0)  # noqa: RUF009 - it is frozen
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """The exit code as a shell tells it: 128 + the signal's number for a killed process."""
        return self.returncode if self.returncode >= 0 else 128 - self.returncode

    @property
    def last_words(self) -> str:
        """The last line on its stderr; empty for none."""
        lines = self.stderr.strip().splitlines()
        return lines[-1].strip() if lines else ""


class ScriptSupervisor:
    """Supervises one command; used once, from the main thread, which receives the signals.

    Args:
        command: the command's argument vector.
        cwd: the folder it runs in.
        environ: its environment.
        grace: seconds from a request to stop to SIGKILL.
        quiet: seconds without output after which a line says that it still runs; 0 for never.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        environ: Mapping[str, str],
        grace: float = LONGEST_GRACE,
        quiet: float = 0,
    ) -> None:
        self._command = command
        self._cwd = cwd
        self._environ = environ
        self._grace = grace
        self._quiet = quiet

    def run(self) -> Ending:
        """Run the command to the end of all its processes.

        Raises:
            OSError: the command can't be started.
        """
        with (
            _signal_pipe() as signals,
            _pipe() as (status, writing),
            selectors.DefaultSelector() as selector,
            self._start(writing) as process,
        ):
            supervised = _Supervised(process, signals, selector, self._grace, self._quiet)
            return supervised.run(status)

    def _start(self, status: int) -> subprocess.Popen[bytes]:
        executable = [sys.executable, "-I", "-S", subreaper.__file__]
        # The subreaper inherits the mask: a signal that comes before it is ready waits for it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, subreaper.SIGNALS)
        try:
            return subprocess.Popen(
                [*executable, str(status), str(os.getpid()), *self._command],
                cwd=self._cwd,
                env=self._environ,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[status],
                process_group=0,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Supervised:
    """The command while it runs: its output, what it uses, and requests to stop it.

    Args:
        process: the subreaper that runs the command.
        signals: gives the number of each signal that comes.
        selector: waits for all of them.
        grace, quiet: as for `ScriptSupervisor`.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        signals: int,
        selector: selectors.BaseSelector,
        grace: float,
        quiet: float,
    ) -> None:
        self._process = process
        self._selector = selector
        self._grace = grace
        self._stopped_by: int | None = None
        self._deadline: float | None = None
        self._overdue = False
        self._meter = Meter(process.pid, quiet)
        self._relays = [*_relays(process)]
        selector.register(signals, selectors.EVENT_READ, self._take_signals)
        for relay in self._relays:
            selector.register(relay, selectors.EVENT_READ, lambda relay: relay.copy())

    def run(self, status: int) -> Ending:
        """Stay with the command to its end.

        Args:
            status: where the subreaper writes how it ended.
        """
        while self._process.poll() is None:
            self._turn()
        for relay in self._relays:
            while relay.copy():
                pass
        return self._ending(status)

    def _turn(self) -> None:
        """Wait for a signal, for output or for what is due, and deal with it."""
        timeout = self._meter.wait_seconds
        if self._deadline is not None:
            timeout = min(timeout, max(0.0, self._deadline - time.monotonic()))
        for key, _ in self._selector.select(timeout):
            if not key.data(key.fileobj):
                self._selector.unregister(key.fileobj)
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._overdue, self._deadline = True, None
            self._process.send_signal(subreaper.END_NOW)
        self._meter.look(max(relay.last_at for relay in self._relays))

    def _take_signals(self, pipe: int) -> bool:
        """Forward what asks us to stop; any other signal has done its work by waking us."""
        for number in os.read(pipe, CHUNK):
            if number not in subreaper.STOP_SIGNALS:
                continue
            if self._stopped_by is None:
                self._stopped_by = number
                self._deadline = time.monotonic() + self._grace
            self._process.send_signal(number)
        return True

    def _ending(self, status: int) -> Ending:
        """What the subreaper wrote down; if it was killed itself, what the kernel says of it."""
        words: list[bytes] = []
        with contextlib.suppress(BlockingIOError):
            words = os.read(status, CHUNK).split()
        returncode, kibibytes = map(int, words) if words else (self._process.returncode, 0)
        # A command that ended between two samples still had what the kernel says of one process.
        one = Usage(kibibytes * KIBIBYTE, 1)
        peak = max(self._meter.peak, one, key=lambda usage: usage.resident)
        stderr = self._relays[-1].tail
        return Ending(
            returncode, self._stopped_by, self._overdue, stderr, peak, self._meter.seconds
        )


def _relays(process: subprocess.Popen[bytes]) -> Iterator[Relay]:
    for stream, target in ((process.stdout, STDOUT), (process.stderr, STDERR)):
        assert stream is not None  # noqa: S101 - for the type checker
        yield Relay(stream.fileno(), target)


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    """A pipe to read from without waiting, and to write to."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    try:
        yield reading, writing
    finally:
        os.close(reading)
        os.close(writing)


@contextlib.contextmanager
def _signal_pipe() -> Iterator[int]:
    """A pipe to read the numbers of arriving signals from, until the block ends."""
    with _pipe() as (reading, writing):
        os.set_blocking(writing, False)
        numbers = (*subreaper.STOP_SIGNALS, signal.SIGCHLD)
        wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        before = {number: signal.signal(number, lambda *_: None) for number in numbers}
        try:
            yield reading
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(wakeup)
