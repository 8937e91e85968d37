"""A host of many small models, as the fork server keeps it."""

from __future__ import annotations

import json
import logging
import os
import selectors
import socket
import time
from collections import deque
from itertools import count
from typing import Any

from contract.settings import ServingSettings
from handler.fork_server.launcher_slot import LauncherSlot
from handler.host.many_models import LONGEST_MESSAGE, ManyModelsHost
from handler.metrics import restarts
from handler.processes import model_load_events
from handler.processes.backoff import Backoff
from handler.processes.child_exit_status import describe, was_killed
from handler.processes.forked_children import ForkedChildren, close_all_but
from handler.processes.load_occasion import LoadOccasion
from handler.processes.process_shared_memory import ProcessRecord
from handler.protocol import connection_handover

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
        self._loaded: set[int] = set()  # places of models that a host has had
        self._dropped: set[int] = set()  # places that the host has been told to drop
        self._served: set[int] = set()  # places of models that another host serves as yet
        self._slow: set[int] = set()  # places of models that keep the others waiting
        self._anew: set[int] = set()  # … and of those among them that have been loaded here
        self._places = count(1)
        self._host: int | None = None
        self._forked_at = 0.0
        self._channel: socket.socket | None = None
        # What to tell, what goes with it, and whether that is closed afterwards.
        self._unsent: deque[tuple[dict[str, Any], list[int], bool]] = deque()
        self._backoff = Backoff()

    def __len__(self) -> int:
        return len(self._slots)

    def take(self, slot: LauncherSlot, *, is_served: bool = False) -> int:
        """Serve one more model.

        Args:
            slot: the model's launcher and socket.
            is_served: whether another host serves it until this one has loaded it.

        Returns:
            What it is known by here.
        """
        place = next(self._places)
        self._slots[place] = slot
        if is_served:
            self._served.add(place)
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
            self._forget(place)
        else:
            self._dropped.add(place)
            self._tell({"drop": place}, [])

    def has_loaded_anew(self, place: int) -> bool:
        """Whether a model that another host serves has been loaded here."""
        return place in self._anew

    def take_over(self, place: int, other: SharedHost, its_place: int) -> None:
        """Have another host give the connections of a model to this one, and forget it."""
        self._served.discard(place)
        self._anew.discard(place)
        here, there = connection_handover.pair()
        self._tell({"adopt": place}, [there.detach()], close=True)
        other.give_away(its_place, here)

    def give_away(self, place: int, way: socket.socket) -> None:
        """Give the connections of a model to another process, and forget it."""
        self._tell({"give": place}, [way.detach()], close=True)

    def bear(self, place: int) -> None:
        """A slow model can't leave."""
        self._slow.discard(place)

    def is_slow(self, place: int) -> bool:
        """Whether a model has kept the others waiting."""
        return place in self._slow

    def end_if_empty(self) -> bool:
        """End a host without models; whether there is none any more."""
        if not self._slots and self._channel is not None:
            self._leave_channel(self._channel)  # with it, the host ends
        return self._host is None and not self._slots

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
        while self._unsent:
            self._sent()
        self._anew.clear()
        for place in list(self._dropped):  # it may not have heard of it
            self._forget(place)
        if self._slots:
            logger.warning(
                "a host of %d models ended (%s): another takes its place",
                len(self._slots),
                describe(code),
            )
            restarts.replaced(record, code)
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
        self._tell(
            {"take": place, **members, "occasion": self._occasion(place)}, [slot.listener.fileno()]
        )
        request.tell_started(self._host or 0)

    def _occasion(self, place: int) -> LoadOccasion:
        """Why a host loads a model."""
        if place in self._served:
            return LoadOccasion.ANEW
        has_had = self._slots[place].request.again or place in self._loaded
        return LoadOccasion.AGAIN if has_had else LoadOccasion.FIRST

    def _tell(
        self, message: dict[str, Any], descriptors: list[int], *, close: bool = False
    ) -> None:
        self._unsent.append((message, descriptors, close))
        self._flush()

    def _sent(self) -> None:
        _, descriptors, close = self._unsent.popleft()
        if close:
            for descriptor in descriptors:
                os.close(descriptor)

    def _flush(self) -> None:
        """Send what the host has room for; it may be at work."""
        while self._unsent and self._channel is not None:
            message, descriptors, _ = self._unsent[0]
            try:
                socket.send_fds(self._channel, [json.dumps(message).encode()], descriptors)
            except BlockingIOError:
                return
            except OSError:  # the host has just ended
                return
            self._sent()

    def _hear(self) -> bool:
        """Take note of what the host has loaded, of what is slow, and of what it holds no more."""
        if self._channel is None:
            return False
        told = self._channel.recv(LONGEST_MESSAGE)
        if told:
            message = json.loads(told)
            if "loaded" in message:
                self._has_loaded(message["loaded"])
            elif "slow" in message:
                self._slow.add(message["slow"])
            else:
                self._forget(message["left"])
        else:
            self._leave_channel(self._channel)
        return True

    def _has_loaded(self, place: int) -> None:
        self._loaded.add(place)
        if place in self._served:
            self._anew.add(place)

    def _forget(self, place: int) -> None:
        self._slots.pop(place, None)
        for places in (self._loaded, self._dropped, self._served, self._slow, self._anew):
            places.discard(place)

    def _leave_channel(self, channel: socket.socket) -> None:
        self._selector.unregister(channel)
        channel.close()
        self._channel = None
