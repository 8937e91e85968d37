"""Stateful sessions: whose requests all go to the container that began them."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from byo.runtime.instance import Instance
from byo.runtime.variant import Variant

# `id; Expires=2026-01-31T12:00:00Z`, as a container answers to NEW_SESSION.
_NEW = re.compile(rb"([a-zA-Z0-9](?:-*[a-zA-Z0-9])*);\s?Expires=([0-9TZ:-]{20})")
# Beyond these the oldest are forgotten: a container that never ends one can't fill the memory.
MOST_SESSIONS = 10_000


class Sessions:
    """The sessions of an endpoint, by their ids."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[Variant, Instance, float]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def began(self, new_session: bytes, variant: Variant, instance: Instance) -> None:
        """Note a session that a container says it has begun.

        Args:
            new_session: the header of its answer; without a time in it, it never expires.
            variant: whose container it was.
            instance: the container.
        """
        found = _NEW.fullmatch(new_session)
        name = found[1] if found else new_session.partition(b";")[0].strip()
        while len(self._places) >= MOST_SESSIONS:
            del self._places[next(iter(self._places))]
        expires = _seconds(found[2].decode()) if found else float("inf")
        self._places[name.decode("latin-1")] = (variant, instance, expires)

    def closed(self, closed_session: bytes) -> None:
        """Forget a session that a container says it has closed."""
        self._places.pop(closed_session.decode("latin-1").strip(), None)

    def variant_of(self, session: str) -> Variant | None:
        """Whose container holds a session; None where none does any longer."""
        variant, instance, expires = self._places.get(session, (None, None, 0.0))
        if variant is None:
            return None
        if variant.instance is not instance or expires < time.time():
            del self._places[session]
            return None
        return variant


def _seconds(text: str) -> float:
    """Seconds since 1970 of a time such as 2026-01-31T12:00:00Z; what is no time never comes."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return float("inf")
