"""What workers and the fork server tell the supervisor, one datagram an event.

A worker is started by the frontend, not by us, so it has no pipe to the supervisor: it sends
to a unix socket in the scratch folder, whose path it inherits in the environment.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

SOCKET_VARIABLE = "BYO_SUPERVISOR_SOCKET"
# A datagram must fit the socket's buffer; a reason needs no more than this.
LONGEST_REASON = 4096
LARGEST_DATAGRAM = 65536


# From a worker to the supervisor: how a load goes


@dataclass(frozen=True)
class Loading:
    """A worker begins to load its model."""

    pid: int
    model: str


@dataclass(frozen=True)
class Loaded:
    """A worker holds its model and takes invocations."""

    pid: int
    model: str
    seconds: float


@dataclass(frozen=True)
class LoadFailed:
    """A worker can't load its model; the reason is one line."""

    pid: int
    model: str
    reason: str


# From who has forked a process: how things are


@dataclass(frozen=True)
class LoadEnded:
    """A process that was loading the single model has ended without a word.

    Args:
        pid: its process id.
        ending: how it ended, in words.
    """

    pid: int
    ending: str


@dataclass(frozen=True)
class ForkServerAlive:
    """The fork server says each second that it lives.

    Args:
        pid: its process id.
        is_serving: whether a process holds the single model; of many models it is not said.
    """

    pid: int
    is_serving: bool


@dataclass(frozen=True)
class ProcessEnded:
    """A process that held the single model has ended, though nobody wanted it to.

    Args:
        pid: its process id.
        ending: how it ended, in words.
        was_killed: whether by a signal that comes from elsewhere, be it from the kernel for lack
            of memory, and not by its own doing.
        was_busy: whether it was answering.
        has_answered: whether it had answered anything, or another of its pool had.
        seconds: how long it had held the model.
    """

    pid: int
    ending: str
    was_killed: bool
    was_busy: bool
    has_answered: bool
    seconds: float


Event = Loading | Loaded | LoadFailed | LoadEnded | ForkServerAlive | ProcessEnded
_KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (Loading, Loaded, LoadFailed, LoadEnded, ForkServerAlive, ProcessEnded)
}


def send(event: Event) -> None:
    """Called elsewhere: tell the supervisor, if there is one, and never wait for it."""
    path = os.environ.get(SOCKET_VARIABLE)
    if not path:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            sender.sendto(encode(event), path)
        except OSError:
            # The supervisor is gone or drowning; the log still has what happened.
            return


def listen(path: Path) -> socket.socket:
    """Called in the supervisor: the socket that receives events, not blocking."""
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.setblocking(False)
    receiver.bind(str(path))
    return receiver


def receive(receiver: socket.socket) -> Event | None:
    """The next event waiting on the socket, or None if there is none."""
    try:
        return decode(receiver.recv(LARGEST_DATAGRAM))
    except BlockingIOError:
        return None


def encode(event: Event) -> bytes:
    members = asdict(event)
    if isinstance(event, LoadFailed):
        members["reason"] = event.reason[:LONGEST_REASON]
    return json.dumps({"event": type(event).__name__, **members}).encode()


def decode(datagram: bytes) -> Event | None:
    """The event in a datagram, or None for one that is not of ours."""
    try:
        members = json.loads(datagram)
        return _KINDS[members.pop("event")](**members)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
