"""Asks the frontend whether it still has a model, where nothing else tells."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from contract.settings import ServingSettings
from handler.fork_server.frontend_models import SECONDS, connected
from handler.processes.forked_children import ForkedChildren
from handler.processes.process_shared_memory import ProcessRecord

# When the frontend is first asked about a model that has lost its launcher: a host that it has
# left has ended by itself until then, but for one at work, which does not see it.
FIRST_CHECK_SECONDS = 0.2
# … and how often from then on.
CHECK_SECONDS = 2.0
# … and about how many of them at a time: each takes a process.
MOST_CHECKS = 4
# What a process that asks ends with.
HAS, HAS_NOT, UNKNOWN = 0, 3, 4

Answered = Callable[[bool | None], None]


class Frontend(Protocol):
    """What asks the frontend: see `FrontendQuestion`."""

    def ask(self, model: str, when_answered: Answered) -> None: ...


@dataclass
class _Check:
    """When the frontend is asked about a model next, and whether it is being asked."""

    model: str
    when_answered: Callable[[bool], None]
    due_at: float
    is_under_way: bool = False


class RegistrationChecks:
    """The models that the frontend is asked about, now and then, until they are gone.

    Args:
        frontend: what asks it.
        clock: the time in seconds.
    """

    def __init__(self, frontend: Frontend, clock: Callable[[], float] = time.monotonic) -> None:
        self._frontend = frontend
        self._clock = clock
        self._checks: dict[Hashable, _Check] = {}

    def begin(
        self, key: Hashable, model: str, when_answered: Callable[[bool], None], after: float
    ) -> None:
        """Ask about a model from now on.

        Args:
            key: what the check is known by.
            model: the model's name.
            when_answered: called with whether the frontend has it, each time that it says so.
            after: how many seconds from now.
        """
        self._checks[key] = _Check(model, when_answered, self._clock() + after)

    def end(self, key: Hashable) -> None:
        """Ask about a model no more."""
        self._checks.pop(key, None)

    def look_after(self) -> None:
        """Ask what is due; called now and then."""
        free = MOST_CHECKS - sum(check.is_under_way for check in self._checks.values())
        for key, check in self._checks.items():
            if free > 0 and not check.is_under_way and self._clock() >= check.due_at:
                free -= 1
                check.is_under_way = True
                self._frontend.ask(check.model, self._answer_for(key, check))

    def _answer_for(self, key: Hashable, check: _Check) -> Answered:
        def answered(has_it: bool | None) -> None:
            if self._checks.get(key) is not check:
                return
            check.is_under_way = False
            check.due_at = self._clock() + CHECK_SECONDS
            if has_it is not None:
                check.when_answered(has_it)

        return answered


class FrontendQuestion:
    """Asks the frontend in a process of its own, as it may take its time.

    Args:
        children: what forks that process.
        settings: the serving settings.
    """

    def __init__(self, children: ForkedChildren, settings: ServingSettings) -> None:
        self._children = children
        self._settings = settings

    def ask(self, model: str, when_answered: Answered) -> None:
        """Ask about one model.

        Args:
            model: the model's name.
            when_answered: called with whether the frontend has it; with None if it does not say.
        """

        def work(record: ProcessRecord) -> None:
            raise SystemExit(ask_frontend(self._settings, model))

        def ended(record: ProcessRecord, code: int) -> None:
            when_answered({HAS: True, HAS_NOT: False}.get(code))

        self._children.fork(work, ended)


def ask_frontend(settings: ServingSettings, model: str) -> int:
    """HAS, HAS_NOT or UNKNOWN, as the frontend of many models answers."""
    connection = connected(settings, SECONDS)
    try:
        connection.request("GET", f"/models/{quote(model, safe='')}")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return UNKNOWN
    return {http.client.OK: HAS, http.client.NOT_FOUND: HAS_NOT}.get(status, UNKNOWN)
