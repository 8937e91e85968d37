"""One model as the template knows it: launcher, socket, and host, forked anew if need be.

The frontend never executes a launcher again, so it is the template that replaces a host that
has died. The socket stays open meanwhile, so the frontend's workers connect again at once and
wait there for the new host.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import signal
import sys
import time
from pathlib import Path

from contract.settings import ServingSettings
from handler.backend import children
from handler.backend.children import Children
from handler.backend.host import Host
from handler.backend.launch import Launch
from handler.backend.watch import Note
from handler.plan import Plan

# A single model's host tells the frontend when it has loaded; after so long, this process does.
PATIENCE_SECONDS = 45.0
# A host that dies young is not forked again at once, nor one that the frontend has left: then it
# is about to end the launcher.
RESTART_SECONDS = 1.0
YOUNG_SECONDS = 2.0


class Hosted:
    """One execution of the launcher, as long as it lives.

    Args:
        launch: what the launcher told.
        children: what forks hosts.
        settings: the serving settings.
        plan: how many workers and connections there are.

    Raises:
        ProcessLookupError: the launcher has ended already.
    """

    def __init__(
        self, launch: Launch, children: Children, settings: ServingSettings, plan: Plan
    ) -> None:
        self.launcher = os.pidfd_open(launch.pid)
        self.host: int | None = None
        self._launch = launch
        self._listener = launch.listen()
        self._children = children
        self._settings = settings
        self._plan = plan
        self._was_loaded = False
        self._forked_at = 0.0
        self._restart_at = math.inf
        self._impatient_at = time.monotonic() + PATIENCE_SECONDS

    def start(self) -> None:
        """Fork the host."""
        self._restart_at = math.inf
        self._forked_at = time.monotonic()
        self.host = self._children.fork(self._run_host)

    def look_after(self) -> None:
        """Do what has become due; called now and then."""
        now = time.monotonic()
        if now > self._restart_at:
            self.start()
        if now > self._impatient_at:
            # The frontend gives up after a minute: a longer load goes on behind an open port.
            self._impatient_at = math.inf
            with contextlib.suppress(OSError):
                self._launch.tell_started(self.host or 0)

    def host_ended(self, note: Note, code: int) -> None:
        """Replace a host that served; a model that can't be loaded is given up."""
        self.host = None
        self._was_loaded |= note.loaded
        if not self._was_loaded:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.launcher, signal.SIGTERM)
            return
        lived = time.monotonic() - self._forked_at
        if code == 0 or lived < YOUNG_SECONDS:
            self._restart_at = time.monotonic() + RESTART_SECONDS
            return
        sys.stdout.write(
            f"serve: the host of model {self._launch.model!r} ended ({code}): another takes "
            "its place\n"
        )
        self.start()

    def close(self) -> None:
        """End the host, and give back what was held for it."""
        if self.host is not None and not self._children.note_of(self.host).refused:
            children.end(self.host)
        self._listener.close()
        os.close(self.launcher)
        if self._launch.kind == "unix":
            Path(self._launch.address).unlink(missing_ok=True)

    def _run_host(self, note: Note) -> None:
        _close_all_but(self._listener.fileno())
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, BrokenPipeError):
            # The launcher may have been ended meanwhile.
            Host(self._launch, self._listener, self._settings, self._plan, note).run()


def _close_all_but(kept: int) -> None:
    """Let go of what was open in the template: pipes, sockets and launchers of all models."""
    os.closerange(3, kept)
    os.closerange(kept + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
