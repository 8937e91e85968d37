"""Which process holds which model: places models as launchers ask for them, until they leave."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from contract.machine import MEBIBYTE
from handler.fork_server.launcher_slot import LauncherSlot
from handler.fork_server.own_host import OwnHost, Processes
from handler.fork_server.registration_check import Answered
from handler.fork_server.saved_requests import read_saved
from handler.fork_server.shared_hosts import InSharedHost, SharedHost
from handler.processes.launch_request import LaunchRequest

# Loading keeps the other models of a shared host waiting, so what takes long is kept out.
LARGEST_SHARED_BYTES = 16 * MEBIBYTE
# How often the frontend is asked about a model that has lost its launcher.
CHECK_SECONDS = 2.0
# … and about how many of them at a time: each takes a process.
MOST_CHECKS = 4


class Launchers(Protocol):
    """What finds launchers: see `LauncherWatch`."""

    def attach(self, slot: LauncherSlot, when_ended: Callable[[], None]) -> None: ...


class Frontend(Protocol):
    """What asks the frontend: see `RegistrationCheck`."""

    def ask(self, model: str, when_answered: Answered) -> None: ...


@dataclass
class _Check:
    """When the frontend is asked about a model next, and whether it is being asked."""

    due_at: float
    is_under_way: bool = False


class Placements:
    """The models that this fork server has, each in a host of its own or with others.

    Args:
        folder: the server's scratch folder, where launch requests are saved.
        processes: what forks hosts for one model.
        shared_hosts: the hosts for many; none where each model is to have its own.
        launchers: what finds launchers and tells their ends.
        frontend: what says whether the frontend has a model; None for a single one, which it
            always has.
        clock: the time in seconds.
    """

    def __init__(
        self,
        folder: Path,
        processes: Processes,
        shared_hosts: Sequence[SharedHost],
        launchers: Launchers,
        frontend: Frontend | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._processes = processes
        self._shared_hosts = shared_hosts
        self._launchers = launchers
        self._frontend = frontend
        self._clock = clock
        self._placed: dict[LaunchRequest, OwnHost | InSharedHost] = {}
        self._checks: dict[LaunchRequest, _Check] = {}

    def __len__(self) -> int:
        return len(self._placed)

    def restore(self) -> None:
        """Place the models that the fork server before this one had.

        Whether their launchers live or not: one that has ended can't announce its model again,
        and one that lives may end before it does.
        """
        for request in read_saved(self._folder):
            self._place(request)

    def announced(self, request: LaunchRequest) -> None:
        """A launcher asks for a process for its model."""
        # Placed already: from what was saved, before its launcher came to announcing it again.
        if not any(_is_same(request, one) for one in self._placed):
            self._place(request)

    def look_after(self) -> None:
        """Do what has become due; called now and then."""
        for host in self._shared_hosts:
            host.look_after()
        for request, placed in list(self._placed.items()):
            if not placed.look_after():
                self._remove(request)
        self._check_with_frontend()

    def _place(self, request: LaunchRequest) -> None:
        slot = LauncherSlot(request, self._folder)
        self._launchers.attach(slot, lambda: self._launcher_ended(request))
        if not (slot.has_launcher or request.again):
            slot.close()  # the frontend has changed its mind
            return
        for one, placed in self._placed.items():
            if one.model == request.model:
                placed.leave()  # the frontend forgot the model, and has now loaded it anew
        self._placed[request] = self._placed_in_host(slot)
        if not slot.has_launcher:
            self._check_after(request, 0.0)

    def _placed_in_host(self, slot: LauncherSlot) -> OwnHost | InSharedHost:
        if self._shared_hosts and can_share(slot.request.model_dir):
            return InSharedHost(slot, self._shared_hosts)
        is_one_of_many = self._frontend is not None
        return OwnHost(slot, self._processes, is_one_of_many=is_one_of_many, clock=self._clock)

    def _launcher_ended(self, request: LaunchRequest) -> None:
        if request in self._placed:
            self._placed[request].launcher_ended()
            self._check_after(request, CHECK_SECONDS)

    def _remove(self, request: LaunchRequest) -> None:
        self._placed.pop(request).slot.close()
        self._checks.pop(request, None)

    def _check_after(self, request: LaunchRequest, seconds: float) -> None:
        if self._frontend is not None:
            self._checks[request] = _Check(self._clock() + seconds)

    def _check_with_frontend(self) -> None:
        """Ask about models without launchers: nothing else is sure to tell of an UNLOAD."""
        free = MOST_CHECKS - sum(check.is_under_way for check in self._checks.values())
        for request, check in self._checks.items():
            if self._frontend is None or check.is_under_way or self._clock() < check.due_at:
                continue
            if free > 0:
                free -= 1
                check.is_under_way = True
                self._frontend.ask(request.model, self._answer_for(request))

    def _answer_for(self, request: LaunchRequest) -> Answered:
        def answered(has_it: bool | None) -> None:
            if request not in self._checks:
                return
            self._check_after(request, CHECK_SECONDS)
            if has_it is False:
                self._placed[request].leave()
            elif has_it:
                self._placed[request].frontend_has_it()

        return answered


def _is_same(request: LaunchRequest, other: LaunchRequest) -> bool:
    """Whether two requests come of one execution of the launcher."""
    return (request.pid, request.address) == (other.pid, other.address)


def can_share(model_dir: Path) -> bool:
    """Whether a model may be put with others: small, and without code of its own."""
    if (model_dir / "code").exists():
        return False
    size = 0
    for folder, _, files in os.walk(model_dir):
        for name in files:
            with contextlib.suppress(OSError):
                size += os.stat(os.path.join(folder, name)).st_size  # noqa: PTH116, PTH118
        if size > LARGEST_SHARED_BYTES:
            return False
    return True
