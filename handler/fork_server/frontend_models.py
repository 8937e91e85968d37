"""What models the frontend has, by its own word; asked in a process of its own, which may wait."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

from contract.settings import ServingSettings
from handler.processes.forked_children import ForkedChildren
from handler.processes.process_shared_memory import ProcessRecord

# How long the frontend may take for each answer, and for an UNLOAD.
SECONDS = 5.0
UNLOAD_SECONDS = 20.0
PAGE = 100

Listed = Callable[[set[str] | None], None]


class FrontendModels:
    """Asks the frontend for its models, and has it forget some.

    Args:
        children: what forks the process that asks.
        settings: the serving settings.
    """

    def __init__(self, children: ForkedChildren, settings: ServingSettings) -> None:
        self._children = children
        self._settings = settings

    def list(self, when_listed: Listed) -> None:
        """Ask for all names.

        Args:
            when_listed: called with them; with None if the frontend does not say.
        """
        answer = os.memfd_create("models")

        def work(record: ProcessRecord) -> None:
            with os.fdopen(answer, "w", encoding="utf-8") as file:
                json.dump(sorted(names_of(self._settings)), file)

        def ended(record: ProcessRecord, code: int) -> None:
            with os.fdopen(answer, encoding="utf-8") as file:
                file.seek(0)
                when_listed(None if code else set(json.load(file)))

        self._children.fork(work, ended)

    def forget(self, models: Collection[str]) -> None:
        """Have models unregistered.

        Args:
            models: their names; what the frontend does not have is passed over.
        """

        def work(record: ProcessRecord) -> None:
            for model in models:
                with closing(connected(self._settings, UNLOAD_SECONDS)) as connection:
                    connection.request("DELETE", f"/models/{quote(model, safe='')}")
                    connection.getresponse().read()

        self._children.fork(work, lambda record, code: None)


def connected(settings: ServingSettings, seconds: float) -> http.client.HTTPConnection:
    """A connection to the frontend of many models, which manages them where it invokes them."""
    host = "127.0.0.1" if settings.bind_address == "0.0.0.0" else settings.bind_address
    return http.client.HTTPConnection(host, settings.port, timeout=seconds)


def names_of(settings: ServingSettings) -> Iterator[str]:
    """The names of all registered models, page by page.

    Raises:
        SystemExit: the frontend does not say.
    """
    token: str | None = ""
    with closing(connected(settings, SECONDS)) as connection:
        while token is not None:
            document = _page(connection, token)
            yield from (one["modelName"] for one in document["models"])
            token = document.get("nextPageToken")


def _page(connection: http.client.HTTPConnection, token: str) -> Any:
    """One page of the list; the first where the token is empty."""
    address = f"/models?limit={PAGE}" + (f"&next_page_token={token}" if token else "")
    try:
        connection.request("GET", address)
        answer = connection.getresponse()
        document = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError):
        raise SystemExit(1) from None
    if answer.status != http.client.OK:
        raise SystemExit(1)
    return document
