"""One model as the template knows it: launcher, socket, and host, forked anew if need be.

The frontend never executes a launcher again, so it is the template that replaces a host that
has died. The socket stays open meanwhile, so the frontend's workers connect again at once and
wait there for the new host.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import select
import signal
import socket
import time
from http import HTTPStatus
from pathlib import Path

from contract.settings import ServingSettings
from handler.fork_server.registration_check import GONE, end_if_gone
from handler.host.one_model import Host
from handler.processes import forked_children
from handler.processes.exit_status import say
from handler.processes.forked_children import Children, close_all_but
from handler.processes.launch_request import Launch
from handler.processes.process_record import Note
from handler.processes.sizing import Plan

# A single model's host tells the frontend when it has loaded; after so long, this process does.
PATIENCE_SECONDS = 45.0
# How often the frontend is asked about a model that has lost its launcher.
ASK_SECONDS = 5.0
# How long the frontend may take to give up a model whose connections have been closed.
GIVE_UP_SECONDS = 5.0
KILLED = -signal.SIGKILL


class Seat:
    """One execution of the launcher, and the socket of its model.

    Args:
        launch: what the launcher told.
        launcher: its pidfd; None if it is known to have ended.
        folder: where it is noted, for the next template.
    """

    def __init__(self, launch: Launch, launcher: int | None, folder: Path) -> None:
        self.launch = launch
        self.launcher = launcher
        self._folder = folder
        self.listener: socket.socket = launch.listen()
        try:
            launch.keep(folder)
        except OSError as error:  # it is needed only where this process and the launcher both die
            say(f"model {launch.model!r} can't be noted for the next template: {error}")

    def end_launcher(self) -> None:
        """Where the frontend waits for the launcher's word, this tells it that none will come.

        Not by SIGKILL: that stands for a lack of memory.
        """
        if self.launcher is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.launcher, signal.SIGTERM)

    def lose_launcher(self) -> None:
        """The launcher has ended."""
        if self.launcher is not None:
            os.close(self.launcher)
            self.launcher = None

    def close(self) -> None:
        """Give back what was held: nobody is to connect any more."""
        self.launch.forget(self._folder)
        self.listener.close()
        if self.launch.kind == "unix":
            Path(self.launch.address).unlink(missing_ok=True)


class Hosted:
    """A model with a host of its own.

    Args:
        seat: the model's launcher and socket.
        forks: what forks hosts.
        settings: the serving settings.
        plan: how many workers and connections there are.
    """

    def __init__(self, seat: Seat, forks: Children, settings: ServingSettings, plan: Plan) -> None:
        self.seat = seat
        self._children = forks
        self._settings = settings
        self._plan = plan
        self._host: int | None = None
        # One that is asked for again was loaded before the template that held it died.
        self._was_loaded = seat.launch.again
        self._leaving = False
        self._without_launcher = False
        self._ask_at = math.inf
        self._given_up_at = math.inf
        self._restart = forked_children.Restart()
        self._impatient_at = time.monotonic() + PATIENCE_SECONDS
        if seat.launcher is None:
            self._go_on_without_launcher()
        else:
            self._fork()

    def look_after(self) -> bool:
        """Do what has become due; called now and then.

        Returns:
            Whether the model still has a place here.
        """
        if self._host is not None and time.monotonic() > self._impatient_at:
            self._appease()
        if self._host is None and not self._leaving:
            is_awaited = self._without_launcher and self._is_frontend_waiting()
            if is_awaited or self._restart.is_due():
                self._fork()
        if time.monotonic() > self._ask_at:
            self._ask_frontend()
        if time.monotonic() > self._given_up_at + GIVE_UP_SECONDS:
            self.seat.end_launcher()
        return not (self._leaving and self._host is None)

    def leave(self) -> None:
        """The frontend wants the model no more."""
        self._leaving = True
        if self._host is not None and not self._children.note_of(self._host).refused:
            forked_children.end(self._host)

    def launcher_ended(self) -> None:
        """The launcher has ended: the frontend wants the model no more.

        Or somebody else has ended it, which the frontend never notices. Then it goes on using
        its connections, and connects again to a new host; else it has closed them before.
        """
        if not (self._was_loaded or self._is_loaded()):
            self.leave()
            return
        self._go_on_without_launcher()
        if self._host is not None and self._children.note_of(self._host).busy:
            # It does not see that connections have been closed.
            forked_children.end(self._host)

    def _go_on_without_launcher(self) -> None:
        self._without_launcher = True
        self._ask_at = time.monotonic() + ASK_SECONDS

    def _is_frontend_waiting(self) -> bool:
        """Whether it has connected, and there is no host to take the connection."""
        ready = select.poll()  # which any number of open files may have
        ready.register(self.seat.listener, select.POLLIN)
        return bool(ready.poll(0))

    def _ask_frontend(self) -> None:
        """Whether it still has the model: without a launcher, nothing else is sure to tell."""
        self._ask_at = math.inf
        if self._settings.multi_model:
            ask = functools.partial(end_if_gone, self._settings, self.seat.launch.model)
            self._children.fork(lambda note: ask(), self._frontend_answered)

    def _frontend_answered(self, note: Note, code: int) -> None:
        if code == GONE:
            self.leave()
        else:
            self._ask_at = time.monotonic() + ASK_SECONDS

    def _fork(self) -> None:
        self._restart.begun()
        self._host = self._children.fork(self._run_host, self._host_ended)

    def _appease(self) -> None:
        """The frontend gives up after a minute: a longer load goes on behind an open port."""
        self._impatient_at = math.inf
        if self._host is not None and not self._is_loaded():
            self.seat.launch.tell_started(self._host)

    def _is_loaded(self) -> bool:
        return self._host is not None and self._children.note_of(self._host).loaded

    def _host_ended(self, note: Note, code: int) -> None:
        """Replace a host that served; a model that can't be loaded is given up."""
        self._host = None
        if self._leaving:
            return
        self._was_loaded |= note.loaded
        if not self._was_loaded:
            if not self._settings.multi_model:
                self.seat.end_launcher()
            elif code == KILLED:
                self._host = self._children.fork(self._refuse, self._refused)
            else:
                self._give_up()
            return
        if self._without_launcher:
            return  # until the frontend connects
        # A host that the frontend has left ends with 0: the launcher is about to be ended, too.
        self._restart.ended(at_once=code != 0)
        if code:
            model = self.seat.launch.model
            say(f"the host of model {model!r} ended ({code}): another takes its place")

    def _give_up(self) -> None:
        """Close what the frontend may connect to: it gives the model up, and ends the launcher.

        If the launcher ended before, the frontend would interrupt whatever the thread that had
        waited for it does by then: the next LOAD, say, which nobody would answer.
        """
        self.seat.close()
        self._given_up_at = time.monotonic()

    def _refused(self, note: Note, code: int) -> None:
        """The frontend has been told that there is no memory for the model."""
        self._host = None
        self.seat.end_launcher()

    def _refuse(self, note: Note) -> None:
        """In place of a host that the kernel killed while it loaded: for lack of memory."""
        close_all_but(self.seat.listener.fileno())
        self._new_host(note).refuse(HTTPStatus.INSUFFICIENT_STORAGE)

    def _run_host(self, note: Note) -> None:
        close_all_but(self.seat.listener.fileno())
        self._new_host(note).run()

    def _new_host(self, note: Note) -> Host:
        return Host(self.seat.launch, self.seat.listener, self._settings, self._plan, note)
