"""A model with a host of its own, as the fork server keeps it: forked, watched, forked again.

The frontend never executes a launcher again, so it is the fork server that replaces a host that
has died. What may follow what is in `host_record`; here is what is done about it.
"""

from __future__ import annotations

import logging
import math
import select
import signal
import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

from handler.fork_server.host_state_machine import HostRecord, HostState
from handler.fork_server.launcher_slot import LauncherSlot
from handler.fork_server.successor import RetiredProcesses, Successor
from handler.metrics import restarts
from handler.processes import model_load_events
from handler.processes.backoff import Backoff
from handler.processes.child_exit_status import describe, describe_load_end, was_killed
from handler.processes.forked_children import Ended
from handler.processes.load_occasion import LoadOccasion
from handler.processes.process_shared_memory import LoadState, ProcessRecord

logger = logging.getLogger(__name__)

# A single model's host tells the frontend when it has loaded; after so long, this process does.
PATIENCE_SECONDS = 45.0
# How long the frontend may take to give up a model whose connections have been closed.
GIVE_UP_SECONDS = 5.0
# How long it may take to connect to one that has loaded.
DESERTED_SECONDS = 15.0
NO_MEMORY = HTTPStatus.INSUFFICIENT_STORAGE


class Processes(Protocol):
    """What forks, watches and ends hosts: see `HostProcesses`."""

    def fork_host(self, slot: LauncherSlot, when_ended: Ended, occasion: LoadOccasion) -> int: ...
    def fork_stand_in(self, slot: LauncherSlot, reason: str, when_ended: Ended) -> int: ...
    def hand_over(self, old: int, new: int) -> None: ...
    def way_to(self, pid: int) -> socket.socket: ...
    def fork_refusal(self, slot: LauncherSlot, status: HTTPStatus, when_ended: Ended) -> int: ...
    def record_of(self, pid: int) -> ProcessRecord: ...
    def end(self, pid: int) -> None: ...


class OwnHost:
    """One model and its host.

    Args:
        slot: the model's launcher and socket.
        processes: what forks hosts.
        is_one_of_many: whether the frontend may unload the model.
        is_served: whether a host of several models serves it until this one has loaded it.
        clock: the time in seconds.
    """

    def __init__(
        self,
        slot: LauncherSlot,
        processes: Processes,
        *,
        is_one_of_many: bool,
        is_served: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.slot = slot
        self._processes = processes
        self._clock = clock
        self._record = HostRecord(
            has_served=slot.request.again or is_served, is_one_of_many=is_one_of_many
        )
        self._is_served = is_served
        self._pid = 0  # of the process, where the state says that there is one
        # Not one that gets its connections from another process, when that is done with them.
        self._has_to_be_connected_to = True
        self._backoff = Backoff(clock)
        self._successor: Successor | None = None
        self._retired = RetiredProcesses()
        self._impatient_at = clock() + PATIENCE_SECONDS
        self._given_up_at = math.inf
        # Why a model that has served can't be loaded again, and the process that says so.
        self._away_reason = ""
        self._stand_in: int | None = None
        if not slot.has_launcher:
            self._record.launcher_ended()
        self._fork()

    @property
    def is_serving(self) -> bool:
        """Whether a process holds the model."""
        return self._record.has_process and self._processes.record_of(self._pid).is_loaded

    @property
    def is_deserted(self) -> bool:
        """Whether the model has loaded long ago, and the frontend has never connected to it."""
        if not (self.is_serving and self._has_to_be_connected_to):
            return False
        told = self._processes.record_of(self._pid)
        return told.connections == 0 and told.loaded_seconds > DESERTED_SECONDS

    @property
    def has_process(self) -> bool:
        """Whether there is a process, be it that it loads."""
        return self._record.has_process

    def way_in(self) -> socket.socket:
        """A way on which the process takes connections from another one."""
        return self._processes.way_to(self._pid)

    @property
    def is_reloading(self) -> bool:
        """Whether a process is loading the model anew."""
        return self._successor is not None

    def reload(self, seconds: float) -> bool:
        """Load the model anew in another process, which then takes the place of this one.

        Args:
            seconds: how long that may take.

        Returns:
            Whether that has begun, or is not needed, as what is loaded next is loaded anyway; false
            while a load is under way, which may have read what was there before.
        """
        if not self._record.has_process or self._record.state is not HostState.SERVING:
            self._backoff.hasten()
            return self._record.state is not HostState.LOADING
        if self._successor is not None or not self.is_serving:
            return False
        pid = self._processes.fork_host(self.slot, self._ended, LoadOccasion.ANEW)
        told = self._processes.record_of(pid)
        self._successor = Successor(self.slot, pid, told, self._clock() + seconds)
        return True

    def look_after(self) -> bool:
        """Do what has become due; called now and then.

        Returns:
            Whether the model still has a place here.
        """
        self._note_progress()
        self._look_after_successor()
        self._look_after_stand_in()
        match self._record.state:
            case HostState.LOADING if self._clock() > self._impatient_at:
                self._tell_started_early()
            case HostState.PAUSED if self._backoff.is_due():
                self._fork()
            case HostState.UNATTENDED if self._is_frontend_connecting():
                self._fork_unattended()
            case HostState.GIVEN_UP if self._clock() > self._given_up_at + GIVE_UP_SECONDS:
                self.slot.end_launcher()
        return self._record.state is not HostState.GONE

    def _look_after_successor(self) -> None:
        if self._successor is None:
            return
        if self._successor.is_overdue(self._clock()):
            self._processes.end(self._successor.pid)
        elif self._successor.is_loaded and self._record.state is HostState.SERVING:
            old = self._pid
            self._retired.add(old, self._processes.record_of(old))
            self._pid, self._successor = self._successor.pid, None
            self._has_to_be_connected_to = False
            self._processes.hand_over(old, self._pid)
            logger.info("model %r is served as it has been loaded anew", self.slot.request.model)

    def leave(self) -> None:
        """The frontend wants the model no more."""
        if self._successor is not None:
            self._processes.end(self._successor.pid)
        self._retired.end_all(self._processes.end)
        self._record.left()
        self._end_process()
        if self._stand_in is not None:
            self._processes.end(self._stand_in)

    def frontend_has_it(self) -> None:
        """The frontend says that the model is registered."""
        if self._record.state is HostState.UNATTENDED:
            self._fork_unattended()

    def launcher_ended(self) -> None:
        """The launcher has ended: the frontend wants the model no more, or else notices nothing."""
        self._note_progress()
        self._record.launcher_ended()
        if self._record.state is HostState.LEAVING:
            self._end_process()

    def _fork(self) -> None:
        self._backoff.begun()
        occasion = self._occasion()
        self._pid = self._processes.fork_host(self.slot, self._ended, occasion)
        self._has_to_be_connected_to = occasion is not LoadOccasion.ANEW
        self._is_served = False
        self._record.forked()

    def _occasion(self) -> LoadOccasion:
        """Why the next process loads the model."""
        if self._is_served:
            return LoadOccasion.ANEW
        return LoadOccasion.AGAIN if self._record.has_served else LoadOccasion.FIRST

    def _fork_unattended(self) -> None:
        if not self._away_reason or self._backoff.is_due():
            self._fork()

    def _look_after_stand_in(self) -> None:
        """While no process can load the model, there is one that says why, if anybody asks."""
        if not self._away_reason:
            return
        if self.is_serving:
            self._away_reason = ""
            self._backoff.succeeded()
            if self._stand_in is not None:  # which ends by that
                self._processes.hand_over(self._stand_in, self._pid)
        elif self._stand_in is None and self._is_frontend_connecting():
            self._stand_in = self._processes.fork_stand_in(
                self.slot, self._away_reason, self._stand_in_ended
            )

    def _stand_in_ended(self, told: ProcessRecord, code: int) -> None:
        self._stand_in = None

    def _note_progress(self) -> None:
        if self._record.state is HostState.LOADING:
            self._note_what_it_told(self._processes.record_of(self._pid))

    def _note_what_it_told(self, told: ProcessRecord) -> None:
        if told.is_loaded and self._record.state is HostState.LOADING:
            self._record.loaded()

    def _ended(self, told: ProcessRecord, code: int) -> None:
        """A process has ended: the model's own, or one that was to take or had given its place."""
        if self._retired.remove(told):
            return
        if self._successor is not None and self._successor.told is told:
            if self._record.state is HostState.SERVING:
                self._successor.ended(code)
            self._successor = None
            return
        self._own_ended(self._pid, told, code)
        self._use_successor()

    def _own_ended(self, pid: int, told: ProcessRecord, code: int) -> None:
        """Replace a process that served, give up a model that can't be loaded."""
        self._note_what_it_told(told)
        self._record.process_ended(refused=told.load_state is LoadState.REFUSING)
        match self._record.state:
            case HostState.REFUSING:
                # SIGKILL is what the kernel ends a process with for lack of memory.
                status = NO_MEMORY if code == -signal.SIGKILL else HTTPStatus.INTERNAL_SERVER_ERROR
                self._pid = self._processes.fork_refusal(self.slot, status, self._ended)
            case HostState.GIVEN_UP:
                self._give_up()
            case HostState.PAUSED | HostState.UNATTENDED if not told.is_loaded:
                self._away_reason = told.reason or f"its process ended by it ({describe(code)})"
                self._backoff.failed()
            case HostState.PAUSED:
                # One that the frontend has left ends with 0: the launcher will be ended, too.
                self._backoff.ended(at_once=code != 0)
        if code and self._record.state in (HostState.PAUSED, HostState.UNATTENDED):
            logger.warning(
                "the host of model %r ended (%s): another takes its place",
                self.slot.request.model,
                describe(code),
            )
            restarts.replaced(told, code)
        if told.is_loaded and not self._record.is_one_of_many:
            self._tell_ended(pid, told, code)
        elif told.load_state is LoadState.LOADING:
            self._tell_load_ended(pid, told.reason or describe_load_end(code))

    def _use_successor(self) -> None:
        """No process serves the model any more: one that is loading it anew is there already."""
        if self._successor is None:
            return
        if self._record.state is not HostState.PAUSED:
            self._processes.end(self._successor.pid)
            return
        self._backoff.begun()
        self._pid, self._successor = self._successor.pid, None
        self._has_to_be_connected_to = True
        self._record.forked()

    def _tell_ended(self, pid: int, told: ProcessRecord, code: int) -> None:
        """`serve` watches over a single model."""
        model_load_events.send(
            model_load_events.ProcessEnded(
                pid,
                describe(code),
                was_killed(code),
                told.is_busy,
                told.finished > 0,
                told.loaded_seconds,
            )
        )

    def _tell_load_ended(self, pid: int, ending: str) -> None:
        """How a process ended that has not loaded its model, in case it has not said why.

        One that can't load a single model says so to `serve`, which hears that first.
        """
        if self._record.is_one_of_many:
            model = self.slot.request.model
            logger.error("model %r can't be loaded: its process ended (%s)", model, ending)
        else:
            model_load_events.send(model_load_events.LoadEnded(pid, ending))

    def _give_up(self) -> None:
        """Have the frontend forget the model.

        It is left to end the launcher itself: if the launcher ended before, it would interrupt
        whatever the thread that had waited for that does by then: the next LOAD, say, which
        nobody would answer. So only the socket is closed, as the frontend has its answer.
        """
        if not self._record.is_one_of_many:
            self.slot.end_launcher()
            return
        self.slot.close()
        self._given_up_at = self._clock()

    def _end_process(self) -> None:
        """End the process, but for one that only stays to say that it can't load the model."""
        if not self._record.has_process:
            return
        if self._processes.record_of(self._pid).load_state is not LoadState.REFUSING:
            self._processes.end(self._pid)

    def _tell_started_early(self) -> None:
        """The frontend gives up after a minute: a longer load goes on behind an open port."""
        self._impatient_at = math.inf
        self.slot.request.tell_started(self._pid)

    def _is_frontend_connecting(self) -> bool:
        """Whether it has connected, and there is no host to take the connection."""
        ready = select.poll()  # which any number of open files may have
        ready.register(self.slot.listener, select.POLLIN)
        return bool(ready.poll(0))
