"""What a worker tells the supervisor about its model, one datagram an event.

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


# From a worker to the supervisor


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


Event = Loading | Loaded | LoadFailed
_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in (Loading, Loaded, LoadFailed)}


def send(event: Event) -> None:
    """Called in a worker: tell the supervisor, if there is one, and never wait for it."""
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
