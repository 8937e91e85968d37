"""Finds a port of the loopback interface that nothing listens on."""

from __future__ import annotations

import contextlib
import random
import socket

from contract.errors import SettingsError
from contract.settings import HIGHEST_PORT

UNPRIVILEGED_PORTS = (20000, HIGHEST_PORT)


def free_port(ports: tuple[int, int] = UNPRIVILEGED_PORTS) -> int:
    """A port of the loopback interface that nothing listens on and the frontend can have.

    Args:
        ports: the first and the last to choose from, by chance: another server that starts at
            this moment, too, should find another.

    Raises:
        SettingsError: none is free.
    """
    first, last = ports[0], min(ports[1], HIGHEST_PORT)
    for port in random.sample(range(first, last + 1), max(0, last + 1 - first)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise SettingsError(f"no port from {first} to {last} is free (SAGEMAKER_SAFE_PORT_RANGE)")
