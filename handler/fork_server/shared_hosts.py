"""A few hosts for many small models: the template's side of the shared placement.

Models that bring code of their own, and large ones, have hosts of their own here as well.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
from collections import deque
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from contract.machine import MEBIBYTE
from contract.settings import ServingSettings
from handler.fork_server.own_host import Seat
from handler.host.many_models import LONGEST_MESSAGE, Together
from handler.processes.exit_status import say
from handler.processes.forked_children import Children, Restart, close_all_but
from handler.processes.process_record import Note

# Loading keeps the other models of a host waiting, so what takes long to load is kept out.
LARGEST_BYTES = 16 * MEBIBYTE


def can_share(model_dir: Path) -> bool:
    """Whether a model may be put with others: small, and without code of its own."""
    if (model_dir / "code").exists():
        return False
    size = 0
    for folder, _, files in os.walk(model_dir):
        for name in files:
            with contextlib.suppress(OSError):
                size += os.stat(os.path.join(folder, name)).st_size  # noqa: PTH116, PTH118
        if size > LARGEST_BYTES:
            return False
    return True


class SharedHost:
    """One host for many models, forked when the first comes, and anew if it dies.

    Args:
        forks: what forks hosts.
        settings: the serving settings.
        selector: what waits for the host to tell something.
    """

    def __init__(
        self, forks: Children, settings: ServingSettings, selector: selectors.BaseSelector
    ) -> None:
        self._children = forks
        self._settings = settings
        self._selector = selector
        self._seats: dict[int, Seat] = {}
        self._places = count(1)
        self._host: int | None = None
        self._channel: socket.socket | None = None
        self._unsent: deque[tuple[dict[str, Any], list[int]]] = deque()
        self._restart = Restart()

    def __len__(self) -> int:
        return len(self._seats)

    def take(self, seat: Seat) -> int:
        """Serve one more model.

        Returns:
            What it is known by here.
        """
        place = next(self._places)
        self._seats[place] = seat
        if self._host is None and not self._restart.is_waiting():
            self._fork()
        elif self._host is not None:
            self._tell_to_take(place)
        return place

    def lose(self, place: int) -> None:
        """The launcher of a model has ended.

        The frontend wants the model no more and has closed its connections; or somebody else
        has ended it, which the frontend never notices, and it goes on using them.
        """
        if self._host is None:
            del self._seats[place]
        else:
            self._tell({"lose": place}, [])

    def holds(self, place: int) -> bool:
        """Whether a model is served, or still in memory."""
        return place in self._seats

    def look_after(self) -> None:
        """Do what has become due; called now and then."""
        if self._restart.is_due():
            self._fork()
        self._flush()

    def _fork(self) -> None:
        self._restart.begun()
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

        def work(note: Note) -> None:
            close_all_but(there.fileno())
            Together(there, self._settings, note).run()

        self._host = self._children.fork(work, self._host_ended)
        there.close()
        here.setblocking(False)
        self._channel = here
        self._selector.register(here, selectors.EVENT_READ, self._hear)
        for place in self._seats:
            self._tell_to_take(place)

    def _host_ended(self, note: Note, code: int) -> None:
        self._host = None
        if self._channel is not None:
            self._leave_channel(self._channel)
        self._unsent.clear()
        if self._seats:
            say(f"a host of {len(self._seats)} models ended ({code}): another takes its place")
            self._restart.ended()
            self.look_after()

    def _tell_to_take(self, place: int) -> None:
        seat = self._seats[place]
        launch = seat.launch
        members = {"pid": launch.pid, "model": launch.model, "dir": str(launch.model_dir)}
        self._tell({"take": place, **members}, [seat.listener.fileno()])
        launch.tell_started(self._host or 0)

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
            self._seats.pop(json.loads(told)["left"], None)
        else:
            self._leave_channel(self._channel)
        return True

    def _leave_channel(self, channel: socket.socket) -> None:
        self._selector.unregister(channel)
        channel.close()
        self._channel = None


class Shared:
    """A model that lives in a host with others.

    Args:
        seat: the model's launcher and socket.
        hosts: the hosts there are; the one with the fewest models takes it.
    """

    def __init__(self, seat: Seat, hosts: Sequence[SharedHost]) -> None:
        self.seat = seat
        self._host = min(hosts, key=len)
        self._place = self._host.take(seat)

    def look_after(self) -> bool:
        """Whether the model still has a place; the host is looked after for all its models."""
        return self._host.holds(self._place)

    def launcher_ended(self) -> None:
        """The launcher has ended: most often, since the frontend wants the model no more."""
        self.leave()

    def leave(self) -> None:
        """Drop the model, unless the frontend still has connections for it."""
        if self._host.holds(self._place):
            self._host.lose(self._place)
