"""The process that imports once and forks a host for each model.

Started by the supervisor, ended by a word on its standard input or by the end of that. Threads
must not be started here: hosts are forked from this process, and a fork takes only one thread
along.
"""

from __future__ import annotations

import logging
import os
import resource
import select
import selectors
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from contract import container_log
from contract.container_log import SERVE_FORM
from contract.machine import this_machine
from contract.settings import ServingSettings
from handler.fork_server import preload
from handler.fork_server.after_serve import AfterServe
from handler.fork_server.busy_turns import BusyTurns
from handler.fork_server.frontend_models import FrontendModels
from handler.fork_server.host_forks import HostProcesses
from handler.fork_server.immortal_objects import make_all_immortal
from handler.fork_server.launcher_slot import LauncherWatch
from handler.fork_server.load_guard import LoadGuard
from handler.fork_server.model_sockets import ModelSockets
from handler.fork_server.placement import Placements
from handler.fork_server.registration_check import FrontendQuestion, RegistrationChecks
from handler.fork_server.saved_requests import read_saved
from handler.fork_server.scratch_sweep import ScratchSweep
from handler.fork_server.shared_host import SharedHost
from handler.fork_server.shared_hosts import SharedHosts
from handler.fork_server.standby_fork import StandsBy, fork_standby
from handler.fork_server.watchdog import Watchdog
from handler.invocation.artifact_payload import single_model_size
from handler.processes import forked_children, launcher_pipes, model_load_events
from handler.processes.capacity_plan import plan
from handler.processes.forked_children import ForkedChildren
from handler.processes.kept_sockets import ServeChannel, StandbyRequest
from handler.processes.launch_request import LaunchReader, LaunchRequest
from handler.processes.memory_notes import MemoryNotes
from handler.processes.signal_socket import wake_on

logger = logging.getLogger(__name__)

WATCH_SECONDS = 0.5
# How long a single model has to be served undisturbed before what else its next host may need is
# imported, during which nobody would be looked after.
SETTLED_SECONDS = 3.0
# How often it tells `serve` that it lives, and looks around while it has no models.
ALIVE_SECONDS = 1.0


class ForkServer:
    """Forks hosts as launchers ask for them, and again when one has died.

    It may stand by for another, with all imported, until that one has ended.

    Args:
        folder: the server's scratch folder, with the pipes that launchers write to and wait on.
        settings: the serving settings.
        channel: the way to `serve`.
        after_serve: what cleans up where `serve` ends without a word.
    """

    def __init__(
        self,
        folder: Path,
        settings: ServingSettings,
        channel: ServeChannel,
        after_serve: AfterServe,
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._channel = channel
        self._after_serve = after_serve
        self._tell_at = 0.0
        self._reader = LaunchReader()
        self._children = ForkedChildren()
        self._turns = BusyTurns()
        self._guard = LoadGuard(MemoryNotes(folder), forked_children.end)
        self._selector = selectors.DefaultSelector()
        self._sweep = ScratchSweep(folder)
        self._pipe: int | None = None
        self._standby_request: StandbyRequest | None = None

    def _make_placements(self, sockets: ModelSockets) -> Placements:
        settings, children = self._settings, self._children
        machine = this_machine()
        planned = plan(settings, machine, single_model_size(settings))
        checks = RegistrationChecks(FrontendQuestion(children, settings))
        number = machine.cpus if settings.backend == "shared" else 0
        return Placements(
            self._folder,
            HostProcesses(children, settings, planned, self._guard),
            SharedHosts(number, lambda: SharedHost(children, settings, self._selector)),
            LauncherWatch(self._selector),
            checks if settings.multi_model else None,
            sockets,
            Watchdog(FrontendModels(children, settings)) if settings.multi_model else None,
        )

    def prepare(self, modules: str) -> None:
        """Do what hosts are to share.

        Args:
            modules: more modules to import, separated by commas.
        """
        if self._settings.multi_model:
            preload.import_modules(modules, lambda: False)
            preload.rehearse(self._settings)
            make_all_immortal()
        else:
            # One model shares with nobody: its frontend should not wait for what it may not need.
            preload.import_modules(modules, self._is_awaited)
        preload.settle()

    def run(self) -> None:
        """Fork hosts until standard input ends, once this process is to begin.

        Raises:
            StandsBy: in a process that is to stand by for this one.
        """
        try:
            found = self._channel.wait_to_begin()
        except EOFError:
            self._after_serve.become()
            return
        self._placements = self._make_placements(ModelSockets(found, self._channel))
        self._serve(self._open_pipe())

    def _serve(self, pipe: int) -> None:
        look_at = import_at = 0.0
        # Before the loop: an end of a host that comes while this is done wakes the loop's first
        # select, and saved requests come before announced ones, which may be the same.
        with wake_on(signal.SIGCHLD, signal.SIGHUP) as wakeup:
            self._placements.restore(self._tell_alive)
            watch = self._selector.register
            watch(sys.stdin, selectors.EVENT_READ, self._end)
            watch(pipe, selectors.EVENT_READ, lambda: self._read_launch_requests(pipe))
            watch(wakeup, selectors.EVENT_READ, lambda: self._signalled(wakeup.recv(4096)))
            watch(self._channel, selectors.EVENT_READ, self._hear)
            while True:
                happened = self._selector.select(self._patience)
                self._guard.look()
                # Each says whether somebody has to be looked after now rather than by and by.
                told = [key.data() for key, _ in happened]
                if any(told) or time.monotonic() > look_at:
                    self._look_after_all()
                    look_at = time.monotonic() + WATCH_SECONDS
                self._tell_alive()
                if happened or not self._is_serving_one:
                    import_at = time.monotonic() + SETTLED_SECONDS
                elif time.monotonic() > import_at:
                    # What the first host would not wait for, the next one is to find.
                    preload.import_one()
                if self._standby_request is not None and preload.is_complete():
                    self._fork_standby(self._standby_request)

    @property
    def _patience(self) -> float:
        """After how many seconds to look around, though nothing has happened."""
        if self._guard.is_needed:
            return self._guard.look_in
        return WATCH_SECONDS if len(self._placements) else ALIVE_SECONDS

    def _signalled(self, numbers: bytes) -> bool:
        if signal.SIGHUP in numbers:
            self._placements.reload(self._settings.startup_timeout)
        return True

    def _tell_alive(self) -> None:
        """Tell `serve`, if it is time: also between the forks of many hosts."""
        if time.monotonic() < self._tell_at:
            return
        self._tell_at = time.monotonic() + ALIVE_SECONDS
        alive = model_load_events.ForkServerAlive(os.getpid(), self._is_serving_one)
        model_load_events.send(alive)

    @property
    def _is_serving_one(self) -> bool:
        """Whether a process holds the single model."""
        return not self._settings.multi_model and self._placements.is_serving

    def _is_awaited(self) -> bool:
        """Whether a launcher asks for a host, or one has to take the place of another."""
        try:
            if not self._channel.is_to_begin():
                return False
        except EOFError:
            return True
        if any(read_saved(self._folder)):
            return True
        return bool(select.select([self._open_pipe()], [], [], 0)[0])

    def _open_pipe(self) -> int:
        """What launchers write to; they wait for it to be opened, which only one may do."""
        if self._pipe is None:
            self._pipe = launcher_pipes.open_launch(self._folder)
        return self._pipe

    def _end(self) -> None:
        """Standard input tells this process to end; where it ends itself, `serve` has."""
        if not os.read(sys.stdin.fileno(), 4096):
            self._children.end_all()
            self._after_serve.become()
        raise SystemExit(0)

    def _hear(self) -> bool:
        """`serve` asks for a process that stands by; it gets one as soon as all is imported."""
        try:
            request = self._channel.standby_request()
        except EOFError:  # standard input has ended as well
            self._selector.unregister(self._channel)
            return False
        if request is not None:
            if self._standby_request is not None:
                self._standby_request.close()
            self._standby_request = request
        return False

    def _fork_standby(self, request: StandbyRequest) -> None:
        self._standby_request = None
        try:
            fork_standby(request)
        except OSError as error:
            logger.warning("no process can be forked that stands by for this one: %s", error)

    def let_go(self) -> None:
        """Called in a process that was forked from this one, and is to stand by for it: give back
        the memory that it has in common with the other's hosts.
        """
        self._children.forget()

    def _look_after_all(self) -> None:
        self._children.reap()
        self._children.end_overdue()
        self._turns.look(self._children.by_pid())
        self._placements.look_after()
        self._sweep.look_after()

    def _read_launch_requests(self, pipe: int) -> None:
        for request in self._reader.feed(os.read(pipe, 65536)):
            self._placements.announced(self._in_place(request))
            self._tell_alive()

    def _in_place(self, request: LaunchRequest) -> LaunchRequest:
        """The frontend may know a single model by a link, for a path that it can't read."""
        if self._settings.multi_model:
            return request
        return replace(request, model_dir=self._settings.paths.model.absolute())


def main() -> None:
    """The fork server's process."""
    channel = ServeChannel.of_this_process()
    after_serve = AfterServe.of_this_process()
    settings = ServingSettings.from_environ(os.environ)
    container_log.configure(logging.INFO, SERVE_FORM)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    folder = Path(os.environ[launcher_pipes.DIR_VARIABLE])
    server = ForkServer(folder, settings, channel, after_serve)
    server.prepare(os.environ.get(preload.PRELOAD_VARIABLE, ""))
    before = []  # see StandsBy.begin
    while True:
        try:
            server.run()
            return
        except StandsBy as forked:
            server.let_go()
            before.append(server)
            standing_by = forked
        server = ForkServer(folder, settings, standing_by.begin(), after_serve)
