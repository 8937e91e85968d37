"""One running container: `serve` on this machine, an image through docker, or a URL that runs.

`containers.py` starts one and stops it, `readiness.py` waits for its `GET /ping` to say 200,
`http_connections.py` holds the kept connections to it, `kept_connection.py` is one of them.
"""

from byo.served_container.containers import (
    STARTUP_SECONDS,
    STOP_SECONDS,
    ServedContainer,
    running,
    start_image,
    start_serve,
    use_url,
)
from byo.served_container.http_connections import Connections
from byo.served_container.kept_connection import Answer, ContainerUnreachable, Headers, Incoming

__all__ = [
    "STARTUP_SECONDS",
    "STOP_SECONDS",
    "Answer",
    "Connections",
    "ContainerUnreachable",
    "Headers",
    "Incoming",
    "ServedContainer",
    "running",
    "start_image",
    "start_serve",
    "use_url",
]
