"""A few hosts for many small models, as the fork server keeps them."""

from __future__ import annotations

import json
import logging
import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from itertools import count
from typing import Any

from contract.settings import ServingSettings
from handler.fork_server.launcher_slot import LauncherSlot
from handler.host.many_models import LONGEST_MESSAGE, ManyModelsHost
from handler.processes import model_load_events
from handler.processes.backoff import Backoff
from handler.processes.child_exit_status import describe, was_killed
from handler.processes.forked_children import ForkedChildren, close_all_but
from handler.processes.process_shared_memory import ProcessRecord

logger = logging.getLogger(__name__)


class SharedHost:
    """One host for many models, forked when the first comes, and anew if it dies.

    Args:
        forks: what forks hosts.
        settings: the serving settings.
        selector: what waits for the host to tell something.
    """

    def __init__(
        self, forks: ForkedChildren, settings: ServingSettings, selector: selectors.BaseSelector
    ) -> None:
        self._children = forks
        self._settings = settings
        self._selector = selector
        self._slots: dict[int, LauncherSlot] = {}
        self._dropped: set[int] = set()  # places that the host has been told to drop
        self._places = count(1)
        self._host: int | None = None
        self._forked_at = 0.0
        self._channel: socket.socket | None = None
        self._unsent: deque[tuple[dict[str, Any], list[int]]] = deque()
        self._backoff = Backoff()

    def __len__(self) -> int:
        return len(self._slots)

    def take(self, slot: LauncherSlot) -> int:
        """Serve one more model.

        Returns:
            What it is known by here.
        """
        place = next(self._places)
        self._slots[place] = slot
        if self._host is None and not self._backoff.is_waiting():
            self._fork()
        elif self._host is not None:
            self._tell_to_take(place)
        return place

    def launcher_ended(self, place: int) -> None:
        """The launcher of a model has ended.

        The frontend wants the model no more and has closed its connections; or somebody else
        has ended it, which the frontend never notices, and it goes on using them: the host, which
        sees them, decides. Where there is no host, the frontend has to be asked.
        """
        if self._host is not None:
            self._tell({"drop if deserted": place}, [])

    def drop(self, place: int) -> None:
        """The frontend wants a model no more."""
        if self._host is None:
            self._slots.pop(place, None)
        else:
            self._dropped.add(place)
            self._tell({"drop": place}, [])

    @property
    def has_process(self) -> bool:
        """Whether there is a host at the moment."""
        return self._host is not None

    def holds(self, place: int) -> bool:
        """Whether a model is served, or still in memory."""
        return place in self._slots

    def look_after(self) -> None:
        """Do what has become due; called now and then."""
        if self._backoff.is_due():
            self._fork()
        self._flush()

    def _fork(self) -> None:
        self._backoff.begun()
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

        def work(record: ProcessRecord) -> None:
            close_all_but(there.fileno())
            ManyModelsHost(there, self._settings, record).run()

        self._forked_at = time.monotonic()
        self._host = self._children.fork(work, self._host_ended)
        there.close()
        here.setblocking(False)
        self._channel = here
        self._selector.register(here, selectors.EVENT_READ, self._hear)
        for place in self._slots:
            self._tell_to_take(place)

    def _host_ended(self, record: ProcessRecord, code: int) -> None:
        if not self._settings.multi_model and self._host is not None:
            self._tell_ended(self._host, record, code)
        self._host = None
        if self._channel is not None:
            self._leave_channel(self._channel)
        self._unsent.clear()
        for place in self._dropped:  # it may not have heard of it
            self._slots.pop(place, None)
        self._dropped.clear()
        if self._slots:
            logger.warning(
                "a host of %d models ended (%s): another takes its place",
                len(self._slots),
                describe(code),
            )
            self._backoff.ended()
            self.look_after()

    def _tell_ended(self, pid: int, record: ProcessRecord, code: int) -> None:
        """`serve` watches over a single model, also where others could be beside it."""
        model_load_events.send(
            model_load_events.ProcessEnded(
                pid,
                describe(code),
                was_killed(code),
                record.is_busy,
                record.finished > 0,
                time.monotonic() - self._forked_at,
            )
        )

    def _tell_to_take(self, place: int) -> None:
        slot = self._slots[place]
        request = slot.request
        members = {"pid": request.pid, "model": request.model, "dir": str(request.model_dir)}
        self._tell({"take": place, **members}, [slot.listener.fileno()])
        request.tell_started(self._host or 0)

    def _tell(self, message: dict[str, Any], descriptors: list[int]) -> None:
        self._unsent.append((message, descriptors))
        self._flush()

    def _flush(self) -> None:
        """Send what the host has room for; it may be at work."""
        while self._unsent and self._channel is not None:
            message, descriptors = self._unsent[0]
            try:
                socket.send_fds(self._channel, [json.dumps(message).encode()], descriptors)
            except BlockingIOError:
                return
            except OSError:  # the host has just ended
                return
            self._unsent.popleft()

    def _hear(self) -> bool:
        """Take note of the models that the host holds no more."""
        if self._channel is None:
            return False
        told = self._channel.recv(LONGEST_MESSAGE)
        if told:
            left = json.loads(told)["left"]
            self._slots.pop(left, None)
            self._dropped.discard(left)
        else:
            self._leave_channel(self._channel)
        return True

    def _leave_channel(self, channel: socket.socket) -> None:
        self._selector.unregister(channel)
        channel.close()
        self._channel = None


class InSharedHost:
    """A model that lives in a host with others.

    Args:
        slot: the model's launcher and socket.
        hosts: the hosts there are; the one with the fewest models takes it.
    """

    def __init__(self, slot: LauncherSlot, hosts: Sequence[SharedHost]) -> None:
        self.slot = slot
        self._host = min(hosts, key=len)
        self._place = self._host.take(slot)

    @property
    def is_serving(self) -> bool:
        """Whether a process holds the model."""
        return self._host.has_process

    @property
    def is_reloading(self) -> bool:
        """Whether a process is loading the model anew."""
        return False

    def reload(self, seconds: float) -> bool:
        """Load the model anew: not done yet."""
        return True

    def look_after(self) -> bool:
        """Whether the model still has a place; the host is looked after for all its models."""
        return self._host.holds(self._place)

    def launcher_ended(self) -> None:
        """The launcher has ended: most often, since the frontend wants the model no more."""
        if self._host.holds(self._place):
            self._host.launcher_ended(self._place)

    def frontend_has_it(self) -> None:
        """The frontend says that the model is registered: it has its place anyway."""

    def leave(self) -> None:
        """The frontend wants the model no more."""
        if self._host.holds(self._place):
            self._host.drop(self._place)
