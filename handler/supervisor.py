"""The life of the frontend, from the parent's side: start, ready, stop, and why it ended.

One loop over four sources, no polling: signals, what workers tell, the end of the JVM, and the
end of a process that was loading a model. Signal handlers only queue.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from contract.errors import ByoError
from contract.settings import ServingSettings
from handler import events, inflight
from handler.signals import wake_on

# SageMaker kills a container 30 s after SIGTERM.
DRAIN_SECONDS = 20.0
STOP_SECONDS = 5.0
GUARD_SECONDS = 4.0
PORT_SECONDS = 60.0
TEMPLATE_SECONDS = 5.0
TEMPLATE = (sys.executable, "-P", "-m", "handler.backend.template")
# Waits until the supervisor has gone, however, and then ends and removes what it left behind.
GUARD = 'read _; kill -9 "-$1" 2>/dev/null; rm -rf -- "$2"'
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class ModelUnavailable(ByoError):
    """The one model of a single-model endpoint can't be served."""


class FrontendDied(ByoError):
    """The JVM ended, or did not open its port, without being told to."""


class BackendDied(ByoError):
    """The process that models are forked from does not live."""


class Supervisor:
    """Runs the frontend until it is told to stop or can't serve.

    Args:
        settings: the serving settings.
        command: the frontend's command line.
        environ: the frontend's whole environment, but for the address of this supervisor.
        scratch: the folder for the socket that workers report to; removed at the end.
    """

    def __init__(
        self,
        settings: ServingSettings,
        command: Sequence[str],
        environ: dict[str, str],
        scratch: Path,
    ) -> None:
        self._settings = settings
        self._command = command
        self._scratch = scratch
        self._selector = selectors.DefaultSelector()
        self._loaders: dict[int, int] = {}  # pid of a loading worker -> its pidfd
        self._template: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._stopping = False
        address = scratch / "supervisor.sock"
        self._receiver = events.listen(address)
        self._inflight = scratch / "inflight.lock"
        self._inflight.touch()
        self._environ = {
            **environ,
            events.SOCKET_VARIABLE: str(address),
            inflight.LOCK_VARIABLE: str(self._inflight),
        }

    def run(self) -> None:
        """Serve until a stop signal; returns when everything has stopped.

        Raises:
            ModelUnavailable: the single model can't be loaded, and why.
            FrontendDied: the JVM ended by itself.
            BackendDied: the template ends as soon as it is started.
        """
        with wake_on(*STOP_SIGNALS, signal.SIGCHLD) as self._signals:
            self._run()

    def _run(self) -> None:
        # A group of its own: whatever the frontend starts can be ended with it.
        self._frontend = subprocess.Popen(
            self._command, env=self._environ, process_group=0, stdin=subprocess.DEVNULL
        )
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", str(self._frontend.pid), str(self._scratch)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._register_sources()
        if self._settings.backend != "stock":
            self._start_template()
        try:
            if self._settings.multi_model:
                self._announce("load models by POST /models")
            self._loop(deadline=time.monotonic() + self._settings.startup_timeout)
        finally:
            self._stop()

    def _register_sources(self) -> None:
        watch = self._selector.register
        watch(self._signals, selectors.EVENT_READ, self._on_signal)
        watch(self._receiver, selectors.EVENT_READ, self._on_events)
        self._frontend_fd = os.pidfd_open(self._frontend.pid)
        watch(self._frontend_fd, selectors.EVENT_READ, self._on_frontend_end)

    def _start_template(self) -> None:
        """Start the process that models are forked from; it ends when its input does."""
        template = self._template = subprocess.Popen(
            TEMPLATE, env=self._environ, process_group=0, stdin=subprocess.PIPE
        )
        started = time.monotonic()
        pidfd = os.pidfd_open(template.pid)

        def ended() -> None:
            self._selector.unregister(pidfd)
            os.close(pidfd)
            ending = _ending(template.wait())
            if time.monotonic() - started < TEMPLATE_SECONDS:
                raise BackendDied(f"the template ended as soon as it was started: {ending}")
            # Its hosts ended with it; the launchers tell the next one of their models.
            _say(f"the template ended: {ending}; it is started again")
            self._start_template()

        self._selector.register(pidfd, selectors.EVENT_READ, ended)

    def _loop(self, deadline: float) -> None:
        while not self._stopping:
            waiting_for_model = not (self._ready or self._settings.multi_model)
            timeout = max(0.0, deadline - time.monotonic()) if waiting_for_model else None
            happened = self._selector.select(timeout)
            if not happened and waiting_for_model:
                raise ModelUnavailable(
                    f"the model did not load within {self._settings.startup_timeout} s "
                    "(SAGEMAKER_STARTUP_TIMEOUT)"
                )
            for key, _ in happened:
                key.data()

    def _on_signal(self) -> None:
        numbers = [number for number in self._signals.recv(64) if number in STOP_SIGNALS]
        self._reap_orphans()
        if not numbers:
            return
        _say(f"stopping on {signal.Signals(numbers[0]).name}")
        self._stopping = True
        if not inflight.wait_until_quiet(self._inflight, DRAIN_SECONDS):
            _say(f"invocations were still under way after {DRAIN_SECONDS:.0f} s")

    def _reap_orphans(self) -> None:
        """As PID 1, take note of the end of processes that lost their parents."""
        if os.getpid() != 1:
            return
        ours = {self._frontend.pid, self._guard.pid, self._template and self._template.pid}
        with contextlib.suppress(ChildProcessError):
            while True:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if ended is None or ended.si_pid in ours:
                    return
                os.waitpid(ended.si_pid, 0)

    def _on_events(self) -> None:
        while (event := events.receive(self._receiver)) is not None:
            if self._settings.multi_model:
                continue
            match event:
                case events.Loading(pid=pid):
                    self._watch_loader(pid)
                case events.Loaded(pid=pid, seconds=seconds):
                    self._forget_loader(pid)
                    self._announce(f"the model loaded in {seconds:.2f} s")
                case events.LoadFailed(reason=reason):
                    raise ModelUnavailable(reason)

    def _watch_loader(self, pid: int) -> None:
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            self._on_loader_end(pid)
            return
        self._loaders[pid] = pidfd
        self._selector.register(pidfd, selectors.EVENT_READ, lambda: self._on_loader_end(pid))

    def _forget_loader(self, pid: int) -> None:
        pidfd = self._loaders.pop(pid, None)
        if pidfd is not None:
            self._selector.unregister(pidfd)
            os.close(pidfd)

    def _on_loader_end(self, pid: int) -> None:
        self._forget_loader(pid)
        # What it said last may still be waiting on the other source.
        self._on_events()
        raise ModelUnavailable(
            f"the worker that loaded the model (process {pid}) ended without a word: killed, "
            "perhaps for lack of memory, or ended by the algorithm's own code"
        )

    def _on_frontend_end(self) -> None:
        raise FrontendDied(f"the frontend ended by itself: {_ending(self._frontend.wait())}")

    def _announce(self, what: str) -> None:
        """Say once that the endpoint takes requests, as soon as it does."""
        if self._ready:
            return
        self._wait_for_port()
        self._ready = True
        where = f"http://{self._settings.bind_address}:{self._settings.port}"
        _say(f"ready on {where}: {what}")

    def _wait_for_port(self) -> None:
        """The frontend tells nobody when it listens: ask until it does."""
        host = self._settings.bind_address
        address = ("127.0.0.1" if host == "0.0.0.0" else host, self._settings.port)
        deadline = time.monotonic() + PORT_SECONDS
        while time.monotonic() < deadline:
            if self._frontend.poll() is not None:
                self._on_frontend_end()
            try:
                socket.create_connection(address, timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise FrontendDied(f"the frontend did not listen on {address} within {PORT_SECONDS:.0f} s")

    def _stop(self) -> None:
        """End the frontend and every process it started: asked first, then killed."""
        if self._frontend.poll() is None:
            self._frontend.terminate()
        try:
            self._frontend.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _say(f"the frontend did not stop within {STOP_SECONDS:.0f} s: killed")
        if self._template is not None:
            self._end_template(self._template)
        # The stock workers outlive a frontend that is told to stop, so the guard's work is to
        # be done in any case: it begins when its input ends.
        try:
            self._guard.communicate(timeout=GUARD_SECONDS)
            self._frontend.wait(GUARD_SECONDS)
        except subprocess.TimeoutExpired:
            _say(f"what the frontend started did not end within {GUARD_SECONDS:.0f} s: left behind")

    def _end_template(self, template: subprocess.Popen[bytes]) -> None:
        """Its input ends, and so does it; its hosts end with it."""
        if template.stdin is not None:
            template.stdin.close()
        try:
            template.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _say(f"the template did not stop within {STOP_SECONDS:.0f} s: killed")
            template.kill()
            template.wait(STOP_SECONDS)


def _ending(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _say(line: str) -> None:
    sys.stdout.write(f"serve: {line}\n")
    sys.stdout.flush()
