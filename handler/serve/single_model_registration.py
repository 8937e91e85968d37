"""Whether the frontend has taken the single model, asked where it manages its models.

It opens its port even if it could not register the model, and nobody loads it then.
"""

from __future__ import annotations

import http.client
import socket
from pathlib import Path
from urllib.parse import urlsplit

from handler.serve.frontend_command import CONFIGURATION_NAME, MODEL_NAME

SECONDS = 5.0
UNIX = "unix:"


def is_lacking(scratch: Path) -> bool:
    """Whether the frontend answers that it has no such model; false while it does not answer."""
    connection = http.client.HTTPConnection("localhost", timeout=SECONDS)
    try:
        connection.sock = _connected(_management_address(scratch))
        connection.request("GET", f"/models/{MODEL_NAME}")
        return connection.getresponse().status == http.client.NOT_FOUND
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _management_address(scratch: Path) -> str:
    text = (scratch / CONFIGURATION_NAME).read_text(encoding="utf-8")
    pairs = (line.partition("=")[::2] for line in text.splitlines())
    return dict(pairs)["management_address"]


def _connected(address: str) -> socket.socket:
    if not address.startswith(UNIX):
        url = urlsplit(address)
        return socket.create_connection((url.hostname or "", url.port or 0), SECONDS)
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    channel.settimeout(SECONDS)
    try:
        channel.connect(address.removeprefix(UNIX))
    except OSError:
        channel.close()
        raise
    return channel
