"""Whether the frontend has taken the single model, asked where it manages its models.

It opens its ports once it has begun to load the model, but also if it could not: then it does not
have the model, or has it without a worker, and nobody loads it.
"""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from urllib.parse import urlsplit

from handler.serve.frontend_command import CONFIGURATION_NAME, MODEL_NAME

SECONDS = 5.0
UNIX = "unix:"


def is_lacking(scratch: Path) -> bool:
    """Whether the frontend answers that it does not load the model."""
    connection = http.client.HTTPConnection("localhost", timeout=SECONDS)
    try:
        connection.sock = _connected(_management_address(scratch))
        connection.request("GET", f"/models/{MODEL_NAME}")
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            return answer.status == http.client.NOT_FOUND
        return not json.loads(answer.read())["workers"]
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
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
