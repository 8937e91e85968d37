"""Where a host's name points: everything of a cluster binds to these addresses and no other."""

from __future__ import annotations

import socket

from contract.errors import SettingsError


def resolve(host: str) -> str | None:
    """The IPv4 address of a host, or None while its name is not known yet."""
    try:
        return socket.gethostbyname(host)
    except OSError:
        return None


def own_address(current_host: str) -> str:
    """The address that this host's own name points to, which it must be able to bind to.

    Raises:
        SettingsError: the name is unknown, or points to another machine.
    """
    address = resolve(current_host)
    if address is None:
        raise SettingsError(
            f"current_host of resourceconfig.json, {current_host!r}, does not resolve to an "
            "address on this host itself"
        )
    try:
        with socket.socket() as probe:
            probe.bind((address, 0))
    except OSError as error:
        raise SettingsError(
            f"current_host of resourceconfig.json, {current_host!r}, resolves to {address}, "
            f"which is no address of this host: {error.strerror}"
        ) from None
    return address
