"""What the fork server tells a host that is replaced, and the one that replaces it.

The one is to give its connections away, the other to take them; with either order comes an end of
the way between the two.
"""

from __future__ import annotations

import contextlib
import os
import socket
from enum import IntEnum


class Order(IntEnum):
    """What a host is to do with its connections."""

    GIVE = 1
    TAKE = 2


def pair() -> tuple[socket.socket, socket.socket]:
    """The fork server's end, and the host's."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(host: socket.socket, order: Order, way: socket.socket) -> None:
    """Called in the fork server: tell a host; one that has just ended needs no order."""
    with contextlib.suppress(OSError):
        socket.send_fds(host, [bytes([order])], [way.fileno()])


def receive(end: socket.socket) -> tuple[Order, socket.socket] | None:
    """Called in the host: the order that has come; None once the fork server has ended."""
    data, descriptors, _, _ = socket.recv_fds(end, 1, 1)
    if not data:
        return None
    os.set_inheritable(descriptors[0], False)
    return Order(data[0]), socket.socket(fileno=descriptors[0])
