"""Whether the frontend still has a model: asked where nothing else tells."""

from __future__ import annotations

import http.client
from urllib.parse import quote

from contract.settings import ServingSettings

SECONDS = 5.0
# What a process that asks ends with.
GONE = 3


def end_if_gone(settings: ServingSettings, model: str) -> None:
    """Called in a process of its own, as the frontend may take its time: end with GONE if the
    frontend of many models has none of this name.
    """
    host = "127.0.0.1" if settings.bind_address == "0.0.0.0" else settings.bind_address
    connection = http.client.HTTPConnection(host, settings.port, timeout=SECONDS)
    try:
        connection.request("GET", f"/models/{quote(model, safe='')}")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return
    if status == http.client.NOT_FOUND:
        raise SystemExit(GONE)
