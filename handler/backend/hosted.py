"""One model as the template knows it: launcher, socket, and host, forked anew if need be.

The frontend never executes a launcher again, so it is the template that replaces a host that
has died. The socket stays open meanwhile, so the frontend's workers connect again at once and
wait there for the new host.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import socket
import sys
import time
from http import HTTPStatus
from pathlib import Path

from contract.settings import ServingSettings
from handler.backend import children
from handler.backend.children import Children, close_all_but
from handler.backend.host import Host
from handler.backend.launch import Launch
from handler.backend.watch import Note
from handler.plan import Plan

# A single model's host tells the frontend when it has loaded; after so long, this process does.
PATIENCE_SECONDS = 45.0
KILLED = -signal.SIGKILL


class Seat:
    """One execution of the launcher, as long as it lives, and the socket of its model.

    Args:
        launch: what the launcher told.

    Raises:
        ProcessLookupError: the launcher has ended already.
    """

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.launcher = os.pidfd_open(launch.pid)
        self.listener: socket.socket = launch.listen()

    def give_up(self) -> None:
        """End the launcher: the frontend learns that the model can't be loaded."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.launcher, signal.SIGTERM)

    def close(self) -> None:
        """Give back what was held, after the launcher has ended."""
        self.listener.close()
        os.close(self.launcher)
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
        self._seat = seat
        self._children = forks
        self._settings = settings
        self._plan = plan
        self._host: int | None = None
        self._was_loaded = False
        self._restart = children.Restart()
        self._impatient_at = time.monotonic() + PATIENCE_SECONDS
        self._fork()

    def look_after(self) -> None:
        """Do what has become due; called now and then."""
        if self._restart.is_due():
            self._fork()
        if time.monotonic() > self._impatient_at:
            self._appease()

    def close(self) -> None:
        """The launcher has ended: the frontend wants the model no more."""
        if self._host is not None and not self._children.note_of(self._host).refused:
            children.end(self._host)
        self._host = None
        self._seat.close()

    def _fork(self) -> None:
        self._restart.begun()
        self._host = self._children.fork(self._run_host, self._host_ended)

    def _appease(self) -> None:
        """The frontend gives up after a minute: a longer load goes on behind an open port."""
        self._impatient_at = math.inf
        if self._host is not None and not self._children.note_of(self._host).loaded:
            with contextlib.suppress(OSError):
                self._seat.launch.tell_started(self._host)

    def _host_ended(self, note: Note, code: int) -> None:
        """Replace a host that served; a model that can't be loaded is given up."""
        if self._host is None:
            return
        self._host = None
        self._was_loaded |= note.loaded
        if not self._was_loaded:
            if code == KILLED and self._settings.multi_model:
                self._host = self._children.fork(self._refuse, self._refused)
            else:
                self._seat.give_up()
            return
        # A host that the frontend has left ends with 0: the launcher is about to be ended, too.
        self._restart.ended(at_once=code != 0)
        if code:
            sys.stdout.write(
                f"serve: the host of model {self._seat.launch.model!r} ended ({code}): another "
                "takes its place\n"
            )
        self.look_after()

    def _refused(self, note: Note, code: int) -> None:
        """The frontend has been told that there is no memory for the model."""
        if self._host is not None:
            self._host = None
            self._seat.give_up()

    def _refuse(self, note: Note) -> None:
        """In place of a host that the kernel killed while it loaded: for lack of memory."""
        close_all_but(self._seat.listener.fileno())
        self._new_host(note).refuse(HTTPStatus.INSUFFICIENT_STORAGE)

    def _run_host(self, note: Note) -> None:
        close_all_but(self._seat.listener.fileno())
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, BrokenPipeError):
            # The launcher may have been ended meanwhile.
            self._new_host(note).run()

    def _new_host(self, note: Note) -> Host:
        return Host(self._seat.launch, self._seat.listener, self._settings, self._plan, note)
