"""Asks the frontend whether it still has a model, where nothing else tells."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from urllib.parse import quote

from contract.settings import ServingSettings
from handler.processes.forked_children import ForkedChildren
from handler.processes.process_record import ProcessRecord

SECONDS = 5.0
# What a process that asks ends with.
HAS, HAS_NOT, UNKNOWN = 0, 3, 4

Answered = Callable[[bool | None], None]


class RegistrationCheck:
    """Asks in a process of its own, as the frontend may take its time.

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
    host = "127.0.0.1" if settings.bind_address == "0.0.0.0" else settings.bind_address
    connection = http.client.HTTPConnection(host, settings.port, timeout=SECONDS)
    try:
        connection.request("GET", f"/models/{quote(model, safe='')}")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return UNKNOWN
    return {http.client.OK: HAS, http.client.NOT_FOUND: HAS_NOT}.get(status, UNKNOWN)
