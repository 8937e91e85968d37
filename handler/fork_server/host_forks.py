"""Forks the processes that models with a host of their own need."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from http import HTTPStatus

from contract.settings import ServingSettings
from handler.fork_server.launcher_slot import LauncherSlot
from handler.fork_server.load_guard import LoadGuard
from handler.host.one_model import OneModelHost
from handler.processes import forked_children, host_orders
from handler.processes.capacity_plan import CapacityPlan
from handler.processes.forked_children import Ended, ForkedChildren, close_all_but
from handler.processes.host_orders import Order
from handler.processes.load_occasion import LoadOccasion
from handler.processes.process_shared_memory import ProcessRecord
from handler.protocol import connection_handover


class HostProcesses:
    """Hosts, and what answers in their place.

    Args:
        children: the children of this process.
        settings: the serving settings.
        plan: how many workers and connections there are.
        guard: looks after those that load.
    """

    def __init__(
        self,
        children: ForkedChildren,
        settings: ServingSettings,
        plan: CapacityPlan,
        guard: LoadGuard,
    ) -> None:
        self._guard = guard
        self._children = children
        self._settings = settings
        self._plan = plan
        self._orders: dict[int, socket.socket] = {}  # process id -> where it is told something

    def fork_host(self, slot: LauncherSlot, when_ended: Ended, occasion: LoadOccasion) -> int:
        """A process that loads and serves a slot's model; returns its id.

        Args:
            slot: the model's launcher and socket.
            when_ended: called when it has ended.
            occasion: why it loads the model.
        """
        pid = self._fork(slot, when_ended, occasion, lambda one: one.run())
        self._guard.begun(pid, slot.request.model, self.record_of(pid))
        return pid

    def fork_stand_in(self, slot: LauncherSlot, reason: str, when_ended: Ended) -> int:
        """A process that says why a slot's model is away; returns its id."""
        return self._fork(
            slot, when_ended, LoadOccasion.AGAIN, lambda one: one.say_why_away(reason)
        )

    def hand_over(self, old: int, new: int) -> None:
        """Have a process give all of its connections to another, and end."""
        with self.way_to(new) as way:
            host_orders.send(self._orders[old], Order.GIVE, way)

    def way_to(self, pid: int) -> socket.socket:
        """A way on which a process takes connections from now on."""
        here, there = connection_handover.pair()
        with there:
            host_orders.send(self._orders[pid], Order.TAKE, there)
        return here

    def fork_refusal(self, slot: LauncherSlot, status: HTTPStatus, when_ended: Ended) -> int:
        """A process that says that a slot's model can't be loaded; returns its id."""
        return self._fork(
            slot, when_ended, LoadOccasion.FIRST, lambda one: one.refuse_for_another(status)
        )

    def record_of(self, pid: int) -> ProcessRecord:
        """What such a process tells."""
        return self._children.record_of(pid)

    def end(self, pid: int) -> None:
        """Kill such a process."""
        self._guard.is_unwanted(pid)
        forked_children.end(pid)

    def _fork(
        self,
        slot: LauncherSlot,
        when_ended: Ended,
        occasion: LoadOccasion,
        work: Callable[[OneModelHost], None],
    ) -> int:
        here, there = host_orders.pair()
        settings, plan = self._settings, self._plan
        others = bool(self._orders)

        def child(record: ProcessRecord) -> None:
            # The sockets of other models among it: as long as any process holds one, the frontend
            # can connect to it.
            close_all_but(slot.listener.fileno(), there.fileno())
            request, listener = slot.request, slot.listener
            one = OneModelHost(
                request, listener, settings, plan, record, there, occasion, has_neighbours=others
            )
            work(one)

        def ended(record: ProcessRecord, code: int) -> None:
            self._orders.pop(pid).close()
            self._guard.ended(pid, was_killed=code == -signal.SIGKILL)
            when_ended(record, code)

        pid = self._children.fork(child, ended)
        there.close()
        self._orders[pid] = here
        return pid
