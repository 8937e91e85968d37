"""The life of the frontend, from the parent's side: start, ready, stop, and why it ended.

One loop over four sources, no polling: signals, what workers tell, the end of the JVM, and the
end of a process that was loading a model. Signal handlers only queue.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from contract.errors import ByoError
from contract.settings import ServingSettings
from handler.processes import inflight_lock, load_events
from handler.processes.exit_status import describe, say
from handler.processes.signal_wakeup import wake_on
from handler.serve import orphans
from handler.serve.fork_server_process import ForkServer

# SageMaker kills a container 30 s after SIGTERM.
DRAIN_SECONDS = 20.0
# How much of that is for those who wait already; who asks after it is refused. `docker stop`
# kills after 10 s.
TAKING_SECONDS = 3.0
STOP_SECONDS = 5.0
GUARD_SECONDS = 4.0
PORT_SECONDS = 60.0
# A model that has served is loaded so many times before it is given up.
SPEECHLESS_LOADS = 3
SWEEP_SECONDS = 5.0
# Waits until the supervisor has gone, however, and then ends and removes what it left behind:
# the frontend with its group, and whatever has this server's folder in its environment.
GUARD = """
read _
kill -9 "-$1" 2>/dev/null
for one in $(grep -lsxzF -- "$3" /proc/[0-9]*/environ); do
    one=${one#/proc/}
    kill -9 "${one%/environ}" 2>/dev/null
done
rm -rf -- "$2"
"""
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class ModelUnavailable(ByoError):
    """The one model of a single-model endpoint can't be served."""


class FrontendDied(ByoError):
    """The JVM ended, or did not open its port, without being told to."""


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
        self._template: ForkServer | None = None
        self._speechless = 0  # loads that ended without a word, in a row
        self._ready = False
        self._stopping = False
        address = scratch / "supervisor.sock"
        self._receiver = load_events.listen(address)
        self._inflight = scratch / "inflight.lock"
        inflight_lock.make_lock(self._inflight)
        self._environ = {
            **environ,
            load_events.SOCKET_VARIABLE: str(address),
            inflight_lock.LOCK_VARIABLE: str(self._inflight),
        }
        # What only the processes of this server have in their environment.
        self._mark = f"{load_events.SOCKET_VARIABLE}={address}"

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
        orphans.adopt()
        # A group of its own: whatever the frontend starts can be ended with it.
        self._frontend = subprocess.Popen(
            self._command, env=self._environ, process_group=0, stdin=subprocess.DEVNULL
        )
        guarded = (str(self._frontend.pid), str(self._scratch), self._mark)
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", *guarded],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._register_sources()
        if self._settings.backend != "stock":
            self._template = ForkServer(self._environ, self._scratch, self._selector, self._sweep)
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

    def _sweep(self) -> None:
        """A template has ended, and its hosts with it: nothing that they started is to stay."""
        if not orphans.end_all(self._own(), self._mark, SWEEP_SECONDS):
            say(f"what a template left did not end within {SWEEP_SECONDS:.0f} s: left behind")

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
        orphans.reap(self._own())
        if not numbers:
            return
        say(f"stopping on {signal.Signals(numbers[0]).name}")
        self._stopping = True
        self._drain()

    def _drain(self) -> None:
        """Wait until nothing is under way; callers that never pause must not put that off."""
        if inflight_lock.wait_until_quiet(self._inflight, TAKING_SECONDS):
            return
        inflight_lock.refuse_new(self._inflight)
        say(f"invocations that come later than {TAKING_SECONDS:.0f} s after the stop are refused")
        if not inflight_lock.wait_until_quiet(self._inflight, DRAIN_SECONDS - TAKING_SECONDS):
            say(f"invocations were still under way after {DRAIN_SECONDS:.0f} s")

    def _own(self) -> set[int]:
        """The processes that this one has started."""
        own = {self._frontend.pid, self._guard.pid}
        return own | ({self._template.pid} if self._template else set())

    def _on_events(self) -> None:
        while (event := load_events.receive(self._receiver)) is not None:
            if self._settings.multi_model:
                continue
            match event:
                case load_events.Loading(pid=pid):
                    self._watch_loader(pid)
                case load_events.Loaded(pid=pid, seconds=seconds):
                    self._forget_loader(pid)
                    self._speechless = 0
                    self._announce(f"the model loaded in {seconds:.2f} s")
                case load_events.LoadFailed(reason=reason):
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
        self._speechless += 1
        if self._ready and self._speechless < SPEECHLESS_LOADS:
            return  # it was to replace one that had served, and is replaced itself
        raise ModelUnavailable(
            f"the worker that loaded the model (process {pid}) ended without a word: killed, "
            "perhaps for lack of memory, or ended by the algorithm's own code"
        )

    def _on_frontend_end(self) -> None:
        raise FrontendDied(f"the frontend ended by itself: {describe(self._frontend.wait())}")

    def _announce(self, what: str) -> None:
        """Say once that the endpoint takes requests, as soon as it does."""
        if self._ready:
            return
        self._wait_for_port()
        self._ready = True
        where = f"http://{self._settings.bind_address}:{self._settings.port}"
        say(f"ready on {where}: {what}")

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
            say(f"the frontend did not stop within {STOP_SECONDS:.0f} s: killed")
        if self._template is not None:
            self._template.end()
        # The stock workers outlive a frontend that is told to stop, so the guard's work is to
        # be done in any case: it begins when its input ends.
        try:
            self._guard.communicate(timeout=GUARD_SECONDS)
            self._frontend.wait(GUARD_SECONDS)
        except subprocess.TimeoutExpired:
            say(f"what the frontend started did not end within {GUARD_SECONDS:.0f} s: left behind")
