"""Connections on their way from one process to another that is to answer on them from now on.

A connection is at rest when no part of a message has been read from it and no part of a reply is
still to be written. Only such ones are handed over: what the frontend has sent meanwhile is in the
kernel, and the frontend notices nothing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

_ANY = b"\0"


def pair() -> tuple[socket.socket, socket.socket]:
    """The two ends of a way for connections."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class HandoverGiver:
    """The end of the process that gives its connections away.

    Args:
        end: the socket.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end

    def give(self, descriptor: int) -> bool:
        """Send a connection; this process's own descriptor stays open.

        Returns:
            Whether it was sent; if not, there is no room at the moment.

        Raises:
            OSError: the other process has ended.
        """
        try:
            socket.send_fds(self._end, [_ANY], [descriptor])
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """There are no more."""
        self._end.close()


class HandoverTaker:
    """The end of the process that gets them.

    Args:
        end: the socket.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self.is_over = False

    def fileno(self) -> int:
        return self._end.fileno()

    def taken(self) -> Iterator[socket.socket]:
        """The connections that have come."""
        while not self.is_over:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._end, len(_ANY), 1)
            except BlockingIOError:
                return
            except OSError:
                data, descriptors = b"", []
            if not data:
                self.is_over = True
                return
            for descriptor in descriptors:
                os.set_inheritable(descriptor, False)
                yield socket.socket(fileno=descriptor)

    def close(self) -> None:
        self._end.close()
