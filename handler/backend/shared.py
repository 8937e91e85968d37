"""A few hosts for many small models: the template's side of the shared placement.

Models that bring code of their own, and large ones, have hosts of their own here as well.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contract.machine import MEBIBYTE
from contract.settings import ServingSettings
from handler.backend.children import Children, Restart, close_all_but
from handler.backend.hosted import Seat
from handler.backend.together import Together
from handler.backend.watch import Note

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
    """

    def __init__(self, forks: Children, settings: ServingSettings) -> None:
        self._children = forks
        self._settings = settings
        self._seats: set[Seat] = set()
        self._host: int | None = None
        self._channel: socket.socket | None = None
        self._unsent: deque[tuple[dict[str, Any], list[int]]] = deque()
        self._restart = Restart()

    def __len__(self) -> int:
        return len(self._seats)

    def take(self, seat: Seat) -> None:
        """Serve one more model."""
        self._seats.add(seat)
        if self._host is None and not self._restart.is_waiting():
            self._fork()
        elif self._host is not None:
            self._tell_to_take(seat)

    def drop(self, seat: Seat) -> None:
        """Serve a model no more."""
        self._seats.remove(seat)
        self._unsent = deque(one for one in self._unsent if one[1] != [seat.listener.fileno()])
        self._tell({"drop": seat.launch.pid}, [])

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
        for seat in self._seats:
            self._tell_to_take(seat)

    def _host_ended(self, note: Note, code: int) -> None:
        self._host = None
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        self._unsent.clear()
        if self._seats:
            sys.stdout.write(
                f"serve: a host of {len(self._seats)} models ended ({code}): another takes its "
                "place\n"
            )
            self._restart.ended()
            self.look_after()

    def _tell_to_take(self, seat: Seat) -> None:
        launch = seat.launch
        members = {"pid": launch.pid, "model": launch.model, "dir": str(launch.model_dir)}
        self._tell({"take": members}, [seat.listener.fileno()])
        with contextlib.suppress(OSError):
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


class Shared:
    """A model that lives in a host with others.

    Args:
        seat: the model's launcher and socket.
        hosts: the hosts there are; the one with the fewest models takes it.
    """

    def __init__(self, seat: Seat, hosts: Sequence[SharedHost]) -> None:
        self._seat = seat
        self._host = min(hosts, key=len)
        self._host.take(seat)

    def look_after(self) -> None:
        """Nothing: the host is looked after for all its models."""

    def close(self) -> None:
        """The launcher has ended: the frontend wants the model no more."""
        self._host.drop(self._seat)
        self._seat.close()
