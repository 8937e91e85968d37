"""The sockets where the frontend connects to models: `serve` keeps each for the next fork server.

As long as any process has a socket, the frontend can connect, and what it sends waits for whoever
serves the model next. What it can't connect to it would try again in ever longer pauses.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterable

from handler.processes.kept_sockets import ServeChannel
from handler.processes.launch_request import LaunchRequest

# After so long nobody will ask any more for a socket that the fork server before this one had: the
# saved requests are read at once, and launchers announce themselves again.
UNCLAIMED_SECONDS = 60.0


class ModelSockets:
    """The sockets of the models of this fork server.

    Args:
        found: those that the fork server before this one had.
        keeper: tells `serve`; None where there is none.
    """

    def __init__(
        self, found: Iterable[socket.socket] = (), keeper: ServeChannel | None = None
    ) -> None:
        self._found = {address_of(one): one for one in found}
        self._keeper = keeper
        self._unclaimed_at = time.monotonic() + UNCLAIMED_SECONDS

    def listen(self, request: LaunchRequest) -> socket.socket:
        """The socket of a model: the one that there was, or a new one."""
        found = self._found.pop(request.address, None)
        if found is not None:
            return found
        listener = request.listen()
        if self._keeper is not None:
            self._keeper.keep(request.address, listener)
        return listener

    def close(self, request: LaunchRequest, listener: socket.socket) -> None:
        """Nobody is to connect any more, and who has is to notice."""
        self._close(request.address, listener)

    def _close(self, address: str, listener: socket.socket) -> None:
        # The copy of `serve` is closed a moment later.
        with contextlib.suppress(OSError):
            while True:
                listener.accept()[0].close()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        if self._keeper is not None:
            self._keeper.drop(address)

    def look_after(self) -> None:
        """Tell `serve` what there was no room for, and let go of what is nobody's; called now
        and then.
        """
        if self._found and time.monotonic() > self._unclaimed_at:
            for address, one in self._found.items():
                self._close(address, one)
            self._found.clear()
        if self._keeper is not None:
            self._keeper.flush()


def address_of(listener: socket.socket) -> str:
    """A socket's address as a launcher's request has it: a path, or a port."""
    name = listener.getsockname()
    return name if isinstance(name, str) else str(name[1])
