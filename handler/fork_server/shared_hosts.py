"""The few hosts for many small models, and a model that lives in one of them."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

from handler.fork_server.launcher_slot import LauncherSlot
from handler.fork_server.shared_host import SharedHost

logger = logging.getLogger(__name__)


class SharedHosts:
    """The hosts that models share, and those that they are leaving for new ones.

    Args:
        number: how many there are.
        make: makes one.
    """

    def __init__(self, number: int, make: Callable[[], SharedHost]) -> None:
        self._make = make
        self.current = [make() for _ in range(number)]
        self._left: list[SharedHost] = []

    def __bool__(self) -> bool:
        return bool(self.current)

    def renew(self) -> None:
        """From now on models are loaded in new hosts, which are forked as they are needed."""
        self._left += [host for host in self.current if len(host)]
        self.current = [self._make() if len(host) else host for host in self.current]

    def emptiest(self) -> SharedHost:
        """The one with the fewest models."""
        return min(self.current, key=len)

    def look_after(self) -> None:
        """Do what has become due; called now and then."""
        for host in (*self.current, *self._left):
            host.look_after()
        self._left = [host for host in self._left if not host.end_if_empty()]


class InSharedHost:
    """A model that lives in a host with others.

    Args:
        slot: the model's launcher and socket.
        hosts: the hosts there are; the one with the fewest models takes it.
    """

    def __init__(self, slot: LauncherSlot, hosts: SharedHosts) -> None:
        self.slot = slot
        self._hosts = hosts
        self._host = hosts.emptiest()
        self._place = self._host.take(slot)
        self._next: tuple[SharedHost, int] | None = None  # where it is loaded anew

    @property
    def is_serving(self) -> bool:
        """Whether a process holds the model."""
        return self._host.has_process

    @property
    def is_deserted(self) -> bool:
        """Whether the frontend does not connect to it: a host drops such models itself."""
        return False

    @property
    def is_reloading(self) -> bool:
        """Never for those who count how many are: they are small, and loaded one by one."""
        return False

    def reload(self, seconds: float) -> bool:
        """Load the model anew in another host, and move there; false if that is under way.

        Args:
            seconds: not for these: their loads are short, or end by the load's own limit.
        """
        if self._next is not None:
            return False
        host = self._hosts.emptiest()
        if host is not self._host:
            self._next = host, host.take(self.slot, is_served=True)
        return True

    def look_after(self) -> bool:
        """Whether the model still has a place; the host is looked after for all its models."""
        if self._next is not None:
            self._move(*self._next)
        return self._host.holds(self._place)

    def _move(self, host: SharedHost, place: int) -> None:
        """Be served by the other host once it has loaded the model; or stay, if it can't."""
        if not host.holds(place):
            self._next = None
        elif host.has_loaded_anew(place):
            host.take_over(place, self._host, self._place)
            self._host, self._place, self._next = host, place, None
            logger.info("model %r is served as it has been loaded anew", self.slot.request.model)

    @property
    def is_slow(self) -> bool:
        """Whether it has kept the others of its host waiting."""
        return self._host.is_slow(self._place)

    def stay(self) -> None:
        """A process of its own could not load it: it stays where it is."""
        self._host.bear(self._place)

    def move_out(self, way: socket.socket) -> None:
        """Give the connections to a process of the model's own."""
        self._host.give_away(self._place, way)
        if self._next is not None:
            host, place = self._next
            host.drop(place)

    def launcher_ended(self) -> None:
        """The launcher has ended: most often, since the frontend wants the model no more."""
        if self._host.holds(self._place):
            self._host.launcher_ended(self._place)

    def frontend_has_it(self) -> None:
        """The frontend says that the model is registered: it has its place anyway."""

    def leave(self) -> None:
        """The frontend wants the model no more."""
        for host, place in ((self._host, self._place), *([self._next] if self._next else [])):
            if host.holds(place):
                host.drop(place)
        self._next = None
