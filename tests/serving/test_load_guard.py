"""How often free memory is looked at while models load, and which load is ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.free_memory import FreeMemory
from contract.machine import MEBIBYTE
from handler.fork_server import load_guard
from handler.fork_server.load_guard import LEAST_SECONDS, MOST_SECONDS, LoadGuard
from handler.processes.memory_notes import MemoryNotes
from handler.processes.process_shared_memory import ProcessRecord

LIMIT = 8192 * MEBIBYTE


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What is free, in MB."""
    found = [2048]
    monkeypatch.setattr(load_guard, "free_memory", lambda: FreeMemory(found[0] * MEBIBYTE, LIMIT))
    return found


@pytest.fixture
def ended() -> list[int]:
    return []


@pytest.fixture
def guard(tmp_path: Path, ended: list[int]) -> LoadGuard:
    return LoadGuard(MemoryNotes(tmp_path), ended.append)


def look_with(guard: LoadGuard, free: list[int], megabytes: int) -> float:
    free[0] = megabytes
    guard.look()
    return guard.look_in


def test_the_less_is_free_the_sooner_it_is_looked_again(guard: LoadGuard, free: list[int]) -> None:
    guard.begun(1, "one", ProcessRecord())

    assert guard.look_in == LEAST_SECONDS
    assert look_with(guard, free, 4200) == MOST_SECONDS
    # 64 MB are left for those that serve; of 1,024 more, half are taken in a sixteenth of a second.
    assert look_with(guard, free, 1088) == pytest.approx(0.0625)
    assert look_with(guard, free, 65) == LEAST_SECONDS


def test_several_loads_take_memory_at_a_time(guard: LoadGuard, free: list[int]) -> None:
    guard.begun(1, "one", ProcessRecord())
    alone = look_with(guard, free, 576)
    guard.begun(2, "two", ProcessRecord())

    assert guard.look_in == LEAST_SECONDS  # the first look of a load is soon
    assert look_with(guard, free, 576) == pytest.approx(alone / 2)


def test_a_load_is_over_once_it_has_told(guard: LoadGuard, free: list[int]) -> None:
    record = ProcessRecord()
    guard.begun(1, "one", record)
    assert guard.is_needed

    record.tell_loaded()

    assert not guard.is_needed


def test_the_load_that_has_taken_most_is_ended(
    guard: LoadGuard, free: list[int], ended: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = {1: 100 * MEBIBYTE, 2: 300 * MEBIBYTE}
    monkeypatch.setattr(load_guard, "anonymous_bytes", taken.__getitem__)
    records = {pid: ProcessRecord() for pid in taken}
    for pid, record in records.items():
        guard.begun(pid, f"model {pid}", record)

    look_with(guard, free, 32)

    assert ended == [2]
    assert "memory" in records[2].reason
    assert records[1].reason == ""
