"""When a process gives back the memory that large bodies took."""

from __future__ import annotations

import math

import pytest

from handler.processes import freed_memory
from handler.processes.freed_memory import IDLE_SECONDS, LARGE_BYTES, FreedMemory


def test_it_gives_back_once_after_the_last_large_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some seconds after the last one; small ones put nothing off, and nothing is done twice."""
    now = 100.0
    monkeypatch.setattr(freed_memory.time, "monotonic", lambda: now)
    freed = FreedMemory()

    freed.had(LARGE_BYTES - 1)
    assert math.isinf(freed.due_in)

    freed.had(LARGE_BYTES)
    now += 1.0
    freed.had(10)
    freed.give_back()
    assert freed.due_in == IDLE_SECONDS - 1.0

    now += IDLE_SECONDS
    assert freed.due_in == 0.0
    freed.give_back()
    assert math.isinf(freed.due_in)
