"""Forks the processes that models with a host of their own need."""

from __future__ import annotations

from http import HTTPStatus

from contract.settings import ServingSettings
from handler.fork_server.launcher_slot import LauncherSlot
from handler.host.one_model import OneModelHost
from handler.processes import forked_children
from handler.processes.capacity_plan import CapacityPlan
from handler.processes.forked_children import Ended, ForkedChildren, close_all_but
from handler.processes.process_shared_memory import ProcessRecord


class HostProcesses:
    """Hosts, and what answers in their place.

    Args:
        children: the children of this process.
        settings: the serving settings.
        plan: how many workers and connections there are.
    """

    def __init__(
        self, children: ForkedChildren, settings: ServingSettings, plan: CapacityPlan
    ) -> None:
        self._children = children
        self._settings = settings
        self._plan = plan

    def fork_host(self, slot: LauncherSlot, when_ended: Ended) -> int:
        """A process that loads and serves a slot's model; returns its id."""
        return self._children.fork(lambda record: self._host(slot, record).run(), when_ended)

    def fork_refusal(self, slot: LauncherSlot, status: HTTPStatus, when_ended: Ended) -> int:
        """A process that says that a slot's model can't be loaded; returns its id."""

        def refuse(record: ProcessRecord) -> None:
            self._host(slot, record).refuse(status)

        return self._children.fork(refuse, when_ended)

    def record_of(self, pid: int) -> ProcessRecord:
        """What such a process tells."""
        return self._children.record_of(pid)

    def end(self, pid: int) -> None:
        """Kill such a process."""
        forked_children.end(pid)

    def _host(self, slot: LauncherSlot, record: ProcessRecord) -> OneModelHost:
        """Called in the child."""
        # The sockets of other models among it: as long as any process holds one, the frontend
        # can connect to it.
        close_all_but(slot.listener.fileno())
        return OneModelHost(slot.request, slot.listener, self._settings, self._plan, record)
