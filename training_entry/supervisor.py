"""Runs one command in a process group of its own, and stays with it until the group is gone.

What the command writes to stderr is passed on at once and its end remembered; stdout is
simply inherited. SIGTERM and SIGINT go on to the whole group, which then has a grace period.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# SageMaker kills a stopped job 120 s after SIGTERM: this leaves time to report.
STOP_GRACE = 110.0
# What the script started and left behind has this long to end after the script itself.
LEFTOVER_GRACE = 5.0
LEFTOVER_INTERVAL = 0.05
STDERR = 2
KEPT_BYTES = 8192
CHUNK = 65536


@dataclass(frozen=True)
class Ending:
    """How a supervised process ended.

    Args:
        returncode: its exit code, or minus the number of the signal that killed it.
        stopped_by: the number of the first signal that asked us to stop, or None.
        overdue: whether it outlived the grace period and was killed.
        last_words: the last line on its stderr; empty for none.
    """

    returncode: int
    stopped_by: int | None = None
    overdue: bool = False
    last_words: str = ""

    @property
    def exit_code(self) -> int:
        """The exit code as a shell tells it: 128 + the signal's number for a killed process."""
        return self.returncode if self.returncode >= 0 else 128 - self.returncode


class Supervisor:
    """Supervises one command; used once, from the main thread, which receives the signals.

    Args:
        command: the command's argument vector.
        cwd: the folder it runs in.
        environ: its environment.
        grace: seconds from a stop signal to SIGKILL.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        environ: Mapping[str, str],
        grace: float = STOP_GRACE,
    ) -> None:
        self._command = command
        self._cwd = cwd
        self._environ = environ
        self._grace = grace
        self._stopped_by: int | None = None
        self._deadline: float | None = None
        self._overdue = False
        self._tail = b""

    def run(self) -> Ending:
        """Run the command to its end and to the end of all that it left in its group.

        Raises:
            OSError: the command can't be started.
        """
        with (
            _signal_pipe() as signals,
            selectors.DefaultSelector() as selector,
            self._start() as process,
        ):
            assert process.stderr is not None  # noqa: S101 - for the type checker
            stderr = process.stderr.fileno()
            os.set_blocking(stderr, False)
            selector.register(signals, selectors.EVENT_READ, self._take_signals)
            selector.register(stderr, selectors.EVENT_READ, self._pass_on)
            try:
                while process.poll() is None:
                    self._turn(selector)
            finally:
                self._end_leftovers(selector)
            while self._pass_on(stderr):
                pass
        return Ending(process.returncode, self._stopped_by, self._overdue, self._last_words())

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            self._command,
            cwd=self._cwd,
            env=self._environ,
            stderr=subprocess.PIPE,
            process_group=0,
        )
        self._group = process.pid
        return process

    def _turn(self, selector: selectors.BaseSelector, timeout: float | None = None) -> None:
        """Wait for a signal or for output, at most until the deadline, and deal with it."""
        if timeout is None and self._deadline is not None:
            timeout = max(0.0, self._deadline - time.monotonic())
        for key, _ in selector.select(timeout):
            if not key.data(key.fd):
                selector.unregister(key.fd)
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._overdue, self._deadline = True, None
            self._send(signal.SIGKILL)

    def _take_signals(self, pipe: int) -> bool:
        """Forward what asks us to stop; SIGCHLD has done its work by waking us."""
        for number in os.read(pipe, CHUNK):
            if number == signal.SIGCHLD:
                continue
            if self._stopped_by is None:
                self._stopped_by = number
                self._deadline = time.monotonic() + self._grace
            self._send(number)
        return True

    def _pass_on(self, stderr: int) -> bool:
        """Copy what is there on the command's stderr to ours; False once there is no more."""
        try:
            data = os.read(stderr, CHUNK)
        except BlockingIOError:
            return False
        self._tail = (self._tail + data)[-KEPT_BYTES:]
        rest = memoryview(data)
        # Nobody reading our stderr must not stop the training.
        with contextlib.suppress(BrokenPipeError):
            while rest:
                rest = rest[os.write(STDERR, rest) :]
        return bool(data)

    def _last_words(self) -> str:
        lines = self._tail.decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else ""

    def _end_leftovers(self, selector: selectors.BaseSelector) -> None:
        """End what the command left in its group: SIGTERM first, SIGKILL after a while."""
        if not self._group_exists():
            return
        self._send(signal.SIGTERM)
        self._deadline = None
        until = time.monotonic() + LEFTOVER_GRACE
        while self._group_exists() and time.monotonic() < until:
            self._turn(selector, LEFTOVER_INTERVAL)
        self._send(signal.SIGKILL)

    def _group_exists(self) -> bool:
        # As PID 1 of a container we inherit the leftovers, and they count until reaped.
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-self._group, os.WNOHANG)[0]:
                pass
        return self._send(0)

    def _send(self, number: int) -> bool:
        """Send a signal to the group; False if there is no group any more."""
        try:
            os.killpg(self._group, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True


@contextlib.contextmanager
def _signal_pipe() -> Iterator[int]:
    """A pipe to read the numbers of arriving signals from, until the block ends."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
    before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)
