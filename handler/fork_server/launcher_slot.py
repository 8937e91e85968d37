"""A model's place in the fork server: its launcher, its socket, and the request saved for later."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from handler.fork_server.launcher_output import LauncherOutput
from handler.fork_server.model_sockets import ModelSockets
from handler.fork_server.saved_requests import SavedRequest
from handler.processes.launch_request import LaunchRequest
from handler.processes.process_watch import close_watch, open_watch, send_signal

logger = logging.getLogger(__name__)


class LauncherSlot:
    """One execution of the launcher, and the socket of its model.

    The socket stays open while hosts come and go: the frontend's connections wait in its backlog.

    Args:
        request: what the launcher asked for.
        folder: where the request is saved for the next fork server.
        sockets: where the model's socket comes from.
    """

    def __init__(self, request: LaunchRequest, folder: Path, sockets: ModelSockets) -> None:
        self.request = request
        self.launcher: int | None = None  # what is waited on; None once it is known to have ended
        self.output: LauncherOutput | None = None
        self._sockets = sockets
        self.listener: socket.socket = sockets.listen(request)
        self._saved = SavedRequest(folder, request)
        try:
            self._saved.save()
        except OSError as error:  # needed only where this process and the launcher both end
            logger.warning(
                "model %r can't be saved for the next fork server: %s", request.model, error
            )

    @property
    def has_launcher(self) -> bool:
        """Whether the launcher is there, as far as is known."""
        return self.launcher is not None

    def end_launcher(self) -> None:
        """Where the frontend waits for the launcher's word, this tells it that none will come.

        Not by SIGKILL: that stands for a lack of memory.
        """
        if self.launcher is not None:
            with contextlib.suppress(ProcessLookupError):
                # Its number may be another process's by now.
                send_signal(self.launcher, signal.SIGTERM)

    def close(self) -> None:
        """Give back what was held: nobody is to connect any more."""
        self._saved.delete()
        if self.output is not None:
            self.output.close()
        self._sockets.close(self.request, self.listener)
        if self.request.kind == "unix":
            Path(self.request.address).unlink(missing_ok=True)


class LauncherWatch:
    """Tells when launchers end.

    Args:
        selector: what waits for their ends.
    """

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector

    def attach(self, slot: LauncherSlot, when_ended: Callable[[], None]) -> None:
        """Find a slot's launcher; one that has ended leaves the slot without.

        Args:
            slot: whose launcher it is.
            when_ended: called when it has ended.
        """
        pid = slot.request.pid
        try:
            launcher = open_watch(pid)
        except ProcessLookupError:
            return
        # Looked at only now that the number can't go to another process unnoticed. A launcher
        # that nobody has reaped has no command line any more.
        if not _is_launcher(pid, slot.request.address):
            close_watch(launcher)
            return
        slot.launcher = launcher
        output = slot.output = LauncherOutput(pid, self._selector)

        def ended() -> bool:
            self._selector.unregister(launcher)
            close_watch(launcher)
            slot.launcher = None
            output.pass_on()
            when_ended()
            return True

        self._selector.register(launcher, selectors.EVENT_READ, ended)


def _is_launcher(pid: int, address: str) -> bool:
    """Whether a process is the launcher of a socket: numbers are used again, so by arguments."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(address) in arguments
