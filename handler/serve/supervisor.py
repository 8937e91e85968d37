"""The life of a server, from the parent's side: start, ready, stop, and why it ended.

    STARTING → READY → STOPPING (the frontend drains) → returns

One loop over four kinds of sources: signals, what workers tell, the ends of the frontend and of the
fork server, and the end of a process that was loading the single model; and once a second it writes
down whether the server is ready. Signal handlers only queue.
"""

from __future__ import annotations

import logging
import selectors
import signal
import socket
import time
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from contract.hosting_standards import AUTO_RECOVERY
from contract.settings import ServingSettings
from handler.processes import model_load_events
from handler.processes.signal_socket import wake_on
from handler.serve import orphans, single_model_registration
from handler.serve.change_watch import ChangeWatch
from handler.serve.cleanup_guard import CleanupGuard
from handler.serve.controlling_terminal import ControllingTerminal
from handler.serve.fork_server_process import ForkServerProcess
from handler.serve.frontend_command import DRAIN_SECONDS, frontend_environment
from handler.serve.frontend_process import FrontendProcess
from handler.serve.metrics_log import begin_metrics
from handler.serve.model_load_watch import LoadWatch, ModelUnavailable
from handler.serve.readiness import WRITE_SECONDS, Readiness
from handler.serve.slow_step import SlowStep
from handler.serve.watched_files import WatchedFiles

logger = logging.getLogger(__name__)

GUARD_SECONDS = 4.0
SWEEP_SECONDS = 5.0
# How long the frontend may take to end, beside the time in which it drains.
END_SECONDS = 4.0
# While the model loads, how often to see whether it still can.
ASK_SECONDS = 0.5
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
RELOAD_SIGNAL = signal.SIGHUP


class ServerState(Enum):
    """How far the server has come."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


def supervise(
    settings: ServingSettings, command: Sequence[str], environ: dict[str, str], scratch: Path
) -> None:
    """Serve until a stop signal; returns when everything has stopped.

    Args:
        settings: the serving settings.
        command: the frontend's command line.
        environ: the frontend's whole environment, but for the address of this process.
        scratch: the folder for the socket that workers report to; removed at the end.

    Raises:
        ModelUnavailable: the single model can't be loaded, and why.
        FrontendDied: the JVM ended by itself.
        ForkServerDied: the fork server ends as soon as it is started.
    """
    # Before anything is started: no end of a process is missed.
    with wake_on(*STOP_SIGNALS, RELOAD_SIGNAL, signal.SIGCHLD) as signals:
        orphans.adopt()
        supervisor = Supervisor(settings, command, environ, scratch, signals)
        try:
            supervisor.run()
        finally:
            supervisor.stop()


class Supervisor:
    """Starts the frontend, its guard and the fork server, and keeps them.

    Args:
        settings, command, environ, scratch: as for `supervise`.
        signals: gives the number of each signal that comes.
    """

    def __init__(
        self,
        settings: ServingSettings,
        command: Sequence[str],
        environ: dict[str, str],
        scratch: Path,
        signals: socket.socket,
    ) -> None:
        self._settings = settings
        self._scratch = scratch
        self._signals = signals
        self._state = ServerState.STARTING
        self._terminal = ControllingTerminal()
        self._selector = selectors.DefaultSelector()
        self._loads = LoadWatch(
            self._selector,
            self._on_events,
            lambda pid: self._readiness.load_ended(pid),
            ends_are_told=settings.backend != "stock",
        )
        address = scratch / "supervisor.sock"
        self._receiver = model_load_events.listen(address)
        self._readiness = Readiness(scratch, settings)
        if settings.metrics:  # before anything is counted
            begin_metrics(settings, scratch)
        environ = {**environ, model_load_events.SOCKET_VARIABLE: str(address)}
        # What only the processes of this server have in their environment.
        self._mark = f"{model_load_events.SOCKET_VARIABLE}={address}"
        self._selector.register(signals, selectors.EVENT_READ, self._on_signal)
        self._selector.register(self._receiver, selectors.EVENT_READ, self._on_events)
        self._frontend = FrontendProcess(
            command, frontend_environment(environ), settings, self._selector
        )
        self._guard = CleanupGuard(self._frontend.pid, scratch, self._mark)
        # Before anything is loaded.
        self._changes = self._watch_changes() if settings.reload else None
        self._fork_server: ForkServerProcess | None = None
        if settings.backend != "stock":
            self._fork_server = ForkServerProcess(
                environ,
                scratch,
                self._selector,
                self._sweep,
                self._guard.command,
                settings,
            )

    def _watch_changes(self) -> ChangeWatch:
        watch = ChangeWatch(WatchedFiles(self._settings, self._scratch))
        watch.start()
        self._selector.register(watch, selectors.EVENT_READ, self._on_change)
        return watch

    def run(self) -> None:
        """Serve until a stop signal has come and all that was accepted is answered."""
        if self._settings.multi_model:
            self._become_ready("load models by POST /models")
        loading = SlowStep("the model is still loading", self._settings.startup_timeout)
        while self._state is not ServerState.STOPPING:
            self._look_after_all()
            is_starting = self._state is ServerState.STARTING
            happened = self._selector.select(ASK_SECONDS if is_starting else WRITE_SECONDS)
            for key, _ in happened:
                key.data()
            if self._state is ServerState.STARTING and not happened:
                self._check_start(loading)
        self._drain()

    def _drain(self) -> None:
        """Let the frontend answer what it has accepted, and end; what it needs for that is kept."""
        deadline = time.monotonic() + DRAIN_SECONDS + END_SECONDS
        while not self._frontend.has_ended and time.monotonic() < deadline:
            self._readiness.look()
            for key, _ in self._selector.select(WRITE_SECONDS):
                key.data()

    def _look_after_all(self) -> None:
        """What is to be seen each second, and when a child has changed."""
        self._readiness.look()
        for pid in orphans.let_go_on(self._own()):
            logger.warning("process %d was stopped: it goes on", pid)
        self._guard.look()
        if self._fork_server is not None:
            self._fork_server.look()

    def _check_start(self, loading: SlowStep) -> None:
        """Nothing has happened for a while, and the model has not loaded.

        Raises:
            ModelUnavailable: the frontend does not have it, or the time is over.
        """
        if not self._loads.have_begun and single_model_registration.is_lacking(self._scratch):
            raise ModelUnavailable(
                f"the frontend did not take the model {self._settings.paths.model}: "
                "its lines above say why"
            )
        loading.look()
        if loading.left < 0:
            raise ModelUnavailable(
                f"the model did not load within {self._settings.startup_timeout} s "
                "(SAGEMAKER_STARTUP_TIMEOUT)"
            )

    def stop(self) -> None:
        """End the frontend and every process it started: asked first, then killed."""
        self._frontend.stop()
        if self._fork_server is not None:
            self._fork_server.end()
        # The stock workers outlive a frontend that is told to stop, so the guard's work is to
        # be done in any case.
        is_done = self._guard.do_its_work(GUARD_SECONDS)
        if not (is_done and self._frontend.has_ended_within(GUARD_SECONDS)):
            logger.warning(
                "what the frontend started did not end within %.0f s: left behind", GUARD_SECONDS
            )

    def _become_ready(self, what: str) -> None:
        """Say once that the endpoint takes requests, as soon as it does."""
        if self._state is not ServerState.STARTING:
            return
        self._frontend.wait_for_port()
        self._state = ServerState.READY
        where = f"http://{self._settings.bind_address}:{self._settings.port}"
        logger.info("ready on %s: %s", where, what)

    def _on_signal(self) -> None:
        numbers = self._signals.recv(64)
        orphans.reap(self._own())
        stops = [number for number in numbers if number in STOP_SIGNALS]
        if RELOAD_SIGNAL in numbers and self._terminal.has_gone():
            stops.append(RELOAD_SIGNAL)
        if self._state is ServerState.STOPPING:
            return
        if stops:
            logger.info("stopping on %s", signal.Signals(stops[0]).name)
            self._state = ServerState.STOPPING
            self._readiness.stopping()
            self._frontend.begin_to_stop()
        elif RELOAD_SIGNAL in numbers:
            self._reload("SIGHUP")

    def _on_change(self) -> None:
        if self._changes is not None and self._state is not ServerState.STOPPING:
            self._reload(self._changes.receive())

    def _reload(self, why: str) -> None:
        """Have every model loaded anew; each is served as before until that is done."""
        if self._fork_server is None:
            logger.warning("SIGHUP changes nothing with BYO_BACKEND=stock, which can't load anew")
            return
        logger.info("%s: every model is loaded anew, and served as before until it has loaded", why)
        self._fork_server.reload()

    def _own(self) -> set[int]:
        """The processes that this one has started."""
        own = {self._frontend.pid, self._guard.pid}
        return own | (self._fork_server.pids if self._fork_server else set())

    def _is_settled(self, told: model_load_events.ForkServerAlive) -> bool:
        """Whether no model waits for what another process would take of the CPUs."""
        return self._settings.multi_model or told.is_serving

    def _sweep(self) -> None:
        """A fork server has ended, and its hosts with it: nothing they started is to stay."""
        self._readiness.fork_server_ended()
        if not orphans.end_all(self._own(), self._mark, SWEEP_SECONDS):
            logger.warning(
                "what a fork server left did not end within %.0f s: left behind", SWEEP_SECONDS
            )

    def _on_events(self) -> None:
        while (event := model_load_events.receive(self._receiver)) is not None:
            if isinstance(event, model_load_events.ForkServerAlive):
                # What one said that has ended may still be waiting here.
                if self._fork_server and event.pid == self._fork_server.pid:
                    self._fork_server.lives(is_settled=self._is_settled(event))
                    self._readiness.fork_server_lives(event)
                continue
            if not self._settings.multi_model and self._state is not ServerState.STOPPING:
                self._on_single_model(event)

    def _on_single_model(self, event: model_load_events.Event) -> None:
        match event:
            case model_load_events.Loading(pid=pid):
                self._loads.begun(pid)
            case model_load_events.Loaded(pid=pid, seconds=seconds):
                self._loads.loaded(pid)
                self._readiness.model_loaded(seconds)
                self._readiness.look()  # before the port opens, and is pinged
                self._become_ready(f"the model loaded in {seconds:.2f} s")
            case model_load_events.LoadFailed(reason=reason):
                raise ModelUnavailable(reason)
            case model_load_events.LoadEnded(pid=pid, ending=ending):
                self._loads.told_end(pid, ending)
            case model_load_events.ProcessEnded(pid=pid, ending=ending):
                if not self._settings.recovers:
                    raise ModelUnavailable(
                        f"a process that answers for the model ended: {ending} "
                        f"({AUTO_RECOVERY}=false)"
                    )
                self._loads.told_end(pid, ending)
                self._readiness.process_ended(event)
