"""Which process holds which model: places models as launchers ask for them, until they leave."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from contract.errors import SignatureError
from contract.machine import MEBIBYTE
from contract.signature import load_signature
from contract.user_module import MODULE_FOLDERS
from handler.fork_server.launcher_slot import LauncherSlot
from handler.fork_server.model_sockets import ModelSockets
from handler.fork_server.own_host import OwnHost, Processes
from handler.fork_server.registration_check import FIRST_CHECK_SECONDS, RegistrationChecks
from handler.fork_server.saved_requests import read_saved
from handler.fork_server.shared_hosts import InSharedHost, SharedHosts
from handler.fork_server.watchdog import Watchdog
from handler.processes.launch_request import LaunchRequest

logger = logging.getLogger(__name__)

# Loading keeps the other models of a shared host waiting, so what takes long is kept out.
LARGEST_SHARED_BYTES = 16 * MEBIBYTE
# How many models are loaded anew at a time: while they are, each is in memory twice.
MOST_RELOADS = 2
# What a model's folder holds where it brings code.
OWN_CODE = ("code", "MAR-INF", *MODULE_FOLDERS)


class Launchers(Protocol):
    """What finds launchers: see `LauncherWatch`."""

    def attach(self, slot: LauncherSlot, when_ended: Callable[[], None]) -> None: ...


class Placements:
    """The models that this fork server has, each in a host of its own or with others.

    Args:
        folder: the server's scratch folder, where launch requests are saved.
        processes: what forks hosts for one model.
        shared_hosts: the hosts for many; none where each model is to have its own.
        launchers: what finds launchers and tells their ends.
        checks: what asks the frontend whether it has a model; None for a single one, which it
            always has.
        sockets: where their sockets come from.
        watchdog: what compares them with the frontend's models; None for a single one.
        clock: the time in seconds.
    """

    def __init__(
        self,
        folder: Path,
        processes: Processes,
        shared_hosts: SharedHosts,
        launchers: Launchers,
        checks: RegistrationChecks | None,
        sockets: ModelSockets,
        watchdog: Watchdog | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._processes = processes
        self._shared_hosts = shared_hosts
        self._launchers = launchers
        self._checks = checks
        self._sockets = sockets
        self._watchdog = watchdog
        self._clock = clock
        self._placed: dict[LaunchRequest, OwnHost | InSharedHost] = {}
        # The last request for each model. To look through all that is placed would be to write to
        # its pages: of a thousand models, each new host would have 0.9 MB of copies.
        self._of_model: dict[str, LaunchRequest] = {}
        # Models that leave a host that they share, and the hosts of their own that load them.
        self._moving: dict[LaunchRequest, OwnHost] = {}
        self._to_reload: set[LaunchRequest] = set()
        self._reload_seconds = 0.0

    def __len__(self) -> int:
        return len(self._placed)

    @property
    def is_serving(self) -> bool:
        """Whether a process holds a model: of interest where there is one only."""
        return any(placed.is_serving for placed in self._placed.values())

    def restore(self, after_each: Callable[[], None] = lambda: None) -> None:
        """Place the models that the fork server before this one had.

        Whether their launchers live or not: one that has ended can't announce its model again,
        and one that lives may end before it does.

        Args:
            after_each: called after each of them, as there may be thousands.
        """
        for request in read_saved(self._folder):
            self._place(request)
            after_each()

    def announced(self, request: LaunchRequest) -> None:
        """A launcher asks for a process for its model."""
        # Placed already: from what was saved, before its launcher came to announcing it again.
        if request not in self._placed:
            self._place(request)

    def reload(self, seconds: float) -> None:
        """Load every model anew, a few at a time, also those that are being loaded now.

        Args:
            seconds: how long one of them may take.
        """
        self._shared_hosts.renew()
        self._to_reload = set(self._placed)
        self._reload_seconds = seconds

    def look_after(self) -> None:
        """Do what has become due; called now and then."""
        self._shared_hosts.look_after()
        for request, placed in list(self._placed.items()):
            if not placed.look_after():
                self._remove(request)
            elif isinstance(placed, InSharedHost) and placed.is_slow:
                self._move_out(request, placed)
        if self._checks is not None:
            self._checks.look_after()
        if self._watchdog is not None:
            self._watchdog.look_after(self)
        self._sockets.look_after()
        self._begin_reloads()

    def _move_out(self, request: LaunchRequest, placed: InSharedHost) -> None:
        """Have a model that keeps others waiting load in a host of its own, and then move there."""
        if request not in self._moving:
            self._moving[request] = OwnHost(
                placed.slot,
                self._processes,
                is_one_of_many=self._checks is not None,
                is_served=True,
                clock=self._clock,
            )
        host = self._moving[request]
        if host.is_serving:
            placed.move_out(host.way_in())
            self._placed[request] = self._moving.pop(request)
            logger.info("model %r moves to a host of its own", request.model)
        elif not host.has_process:  # the log says why
            self._stay(request)
            placed.stay()

    def _stay(self, request: LaunchRequest) -> None:
        host = self._moving.pop(request, None)
        if host is not None:
            host.leave()

    def _begin_reloads(self) -> None:
        if not self._to_reload:
            return
        free = MOST_RELOADS - sum(placed.is_reloading for placed in self._placed.values())
        for request in list(self._to_reload):
            if request not in self._placed:
                self._to_reload.discard(request)
            elif free > 0 and self._placed[request].reload(self._reload_seconds):
                self._to_reload.discard(request)
                free -= 1

    def names(self) -> dict[LaunchRequest, str]:
        """The models' names."""
        return {request: request.model for request in self._placed}

    def deserted(self) -> set[str]:
        """The names of models that have loaded, and to whom the frontend does not connect."""
        return {request.model for request, one in self._placed.items() if one.is_deserted}

    def check(self, request: LaunchRequest) -> None:
        """Ask the frontend whether it has a model, as that is in doubt."""
        self._check(request)

    def _place(self, request: LaunchRequest) -> None:
        slot = LauncherSlot(request, self._folder, self._sockets)
        self._launchers.attach(slot, lambda: self._launcher_ended(request))
        if not (slot.has_launcher or request.again):
            slot.close()  # the frontend has changed its mind
            return
        earlier = self._of_model.get(request.model)
        if earlier is not None:
            self._placed[earlier].leave()  # the frontend forgot it, and has now loaded it anew
        self._placed[request] = self._placed_in_host(slot)
        self._of_model[request.model] = request
        if not slot.has_launcher:
            self._check(request)

    def _placed_in_host(self, slot: LauncherSlot) -> OwnHost | InSharedHost:
        if self._shared_hosts and can_share(slot.request.model_dir):
            return InSharedHost(slot, self._shared_hosts)
        is_one_of_many = self._checks is not None
        return OwnHost(slot, self._processes, is_one_of_many=is_one_of_many, clock=self._clock)

    def _launcher_ended(self, request: LaunchRequest) -> None:
        self._stay(request)
        if request in self._placed:
            self._placed[request].launcher_ended()
            self._check(request, after=FIRST_CHECK_SECONDS)

    def _remove(self, request: LaunchRequest) -> None:
        self._stay(request)
        self._placed.pop(request).slot.close()
        if self._of_model.get(request.model) == request:
            del self._of_model[request.model]
        if self._checks is not None:
            self._checks.end(request)

    def _check(self, request: LaunchRequest, after: float = 0.0) -> None:
        """Ask about a model, most often one without launcher: nothing else is sure to tell of an
        UNLOAD.
        """

        def answered(has_it: bool) -> None:
            placed = self._placed[request]  # which may have moved since it was asked
            if not has_it:
                placed.leave()
                placed.slot.end_launcher()  # of which the frontend has nothing any more
                return
            placed.frontend_has_it()
            if placed.slot.has_launcher and self._checks is not None:
                self._checks.end(request)  # its end will tell

        if self._checks is not None:
            self._checks.begin(request, request.model, answered, after)


def can_share(model_dir: Path) -> bool:
    """Whether a model may be put with others: small, with nothing of its own that others see."""
    if any((model_dir / name).exists() for name in OWN_CODE) or any(model_dir.glob("*.py")):
        return False
    with contextlib.suppress(SignatureError):
        signature = load_signature(model_dir)
        if signature and signature.configuration:  # which is set for a whole process
            return False
    size = 0
    for folder, _, files in os.walk(model_dir):
        for name in files:
            with contextlib.suppress(OSError):
                size += os.stat(os.path.join(folder, name)).st_size  # noqa: PTH116, PTH118
        if size > LARGEST_SHARED_BYTES:
            return False
    return True
