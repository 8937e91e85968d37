"""The process that imports once and forks a host for each model.

Started by the supervisor, ended by the end of its standard input. Threads must not be started
here: hosts are forked from this process, and a fork takes only one thread along.
"""

from __future__ import annotations

import os
import resource
import select
import selectors
import signal
import sys
import time
from pathlib import Path

from contract.machine import this_machine
from contract.settings import ServingSettings
from handler.fork_server import preload
from handler.fork_server.immortal_objects import make_all_immortal
from handler.fork_server.own_host import Hosted, Seat
from handler.fork_server.shared_hosts import Shared, SharedHost, can_share
from handler.host import load_reporting
from handler.processes import launcher_pipes
from handler.processes.forked_children import Children
from handler.processes.launch_request import Launches, kept
from handler.processes.signal_wakeup import wake_on
from handler.processes.sizing import plan

WATCH_SECONDS = 0.5


class Template:
    """Forks hosts as launchers ask for them, and again when one has died.

    Args:
        folder: where the pipes are that launchers write to and wait on.
        settings: the serving settings.
    """

    def __init__(self, folder: Path, settings: ServingSettings) -> None:
        self._settings = settings
        self._plan = plan(settings, this_machine())
        self._launches = Launches()
        self._children = Children()
        self._placed: set[Hosted | Shared] = set()
        self._selector = selectors.DefaultSelector()
        number = self._plan.machine.cpus if settings.backend == "shared" else 0
        self._shared = [SharedHost(self._children, settings, self._selector) for _ in range(number)]
        self._folder = folder
        self._pipe = launcher_pipes.open_launch(folder)

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

    def _is_awaited(self) -> bool:
        return bool(select.select([self._pipe], [], [], 0)[0])

    def run(self) -> None:
        """Fork hosts until standard input ends."""
        look_at = 0.0
        for launch in kept(self._folder):
            self._place(Seat(launch, None, self._folder))
        with wake_on(signal.SIGCHLD) as wakeup:
            watch = self._selector.register
            watch(sys.stdin, selectors.EVENT_READ, _end)
            watch(self._pipe, selectors.EVENT_READ, self._read_launches)
            watch(wakeup, selectors.EVENT_READ, lambda: wakeup.recv(4096))
            while True:
                happened = self._selector.select(WATCH_SECONDS if self._placed else None)
                # Each says whether somebody has to be looked after now rather than by and by.
                told = [key.data() for key, _ in happened]
                if any(told) or time.monotonic() > look_at:
                    self._look_after_all()
                    look_at = time.monotonic() + WATCH_SECONDS

    def _look_after_all(self) -> None:
        self._children.reap()
        self._children.end_overdue()
        for host in self._shared:
            host.look_after()
        for placed in [one for one in self._placed if not one.look_after()]:
            self._placed.remove(placed)
            placed.seat.close()

    def _read_launches(self) -> None:
        for launch in self._launches.feed(os.read(self._pipe, 65536)):
            try:
                launcher: int | None = os.pidfd_open(launch.pid)
            except ProcessLookupError:
                if not launch.again or any(one.seat.launch == launch for one in self._placed):
                    continue  # the frontend has changed its mind, or this was read from a note
                launcher = None
            self._place(Seat(launch, launcher, self._folder))

    def _place(self, seat: Seat) -> None:
        for one in self._placed:
            if one.seat.launcher is None and one.seat.launch.model == seat.launch.model:
                one.leave()  # the frontend has loaded the model anew
        placed: Hosted | Shared
        if self._shared and can_share(seat.launch.model_dir):
            placed = Shared(seat, self._shared)
        else:
            placed = Hosted(seat, self._children, self._settings, self._plan)
        self._placed.add(placed)

        if seat.launcher is None:
            return
        launcher = seat.launcher

        def launcher_ended() -> bool:
            self._selector.unregister(launcher)
            seat.lose_launcher()
            placed.launcher_ended()
            return True

        self._selector.register(launcher, selectors.EVENT_READ, launcher_ended)


def main() -> None:
    """The template's process."""
    settings = ServingSettings.from_environ(os.environ)
    load_reporting.configure_logging(settings.log_level)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    template = Template(Path(os.environ[launcher_pipes.DIR_VARIABLE]), settings)
    template.prepare(os.environ.get(preload.PRELOAD_VARIABLE, ""))
    template.run()


def _end() -> None:
    """Standard input has ended: the supervisor is gone, or wants this process to go."""
    if not os.read(sys.stdin.fileno(), 4096):
        raise SystemExit(0)
