"""A load is weighed against what is free, and what it took is known when it comes again."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from contract.free_memory import FreeMemory
from handler.host import load_memory
from handler.host.load_memory import LoadMemory, note_process
from handler.host.out_of_memory import NotEnoughMemory
from handler.invocation.artifact_payload import Payload
from handler.processes.freed_memory import give_back
from handler.processes.memory_notes import LoadNote, MemoryNotes, RefusalNote

MEBIBYTE = 1024 * 1024
LIMIT = 512 * MEBIBYTE


@pytest.fixture
def notes(tmp_path: Path) -> MemoryNotes:
    return MemoryNotes(tmp_path)


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What is free, in MB."""
    found = [100]
    monkeypatch.setattr(load_memory, "free_memory", lambda: FreeMemory(found[0] * MEBIBYTE, LIMIT))
    return found


def payload(size: int, surely: int = 0, likely: int = 0, kind: str = "arrays") -> Payload:
    """Figures in MB."""
    return Payload(
        f"/models/a {size}",
        "model.joblib",
        kind,
        size * MEBIBYTE,
        surely * MEBIBYTE,
        likely * MEBIBYTE,
    )


def weigh(notes: MemoryNotes, what: Payload, *, has_neighbours: bool = False) -> RefusalNote | None:
    """The figures of the refusal, if it is one."""
    memory = LoadMemory("a", notes, has_neighbours=has_neighbours)
    try:
        memory.weigh(what)
    except NotEnoughMemory as refused:
        return refused.note
    finally:
        notes.release_own()
    return None


def test_what_is_sure_not_to_fit_is_refused(notes: MemoryNotes, free: list[int]) -> None:
    """With figures, and what to do."""
    memory = LoadMemory("a", notes)

    with pytest.raises(NotEnoughMemory) as refused:
        memory.weigh(payload(200, surely=200, likely=200))

    assert refused.value.note == RefusalNote(200 * MEBIBYTE, 92 * MEBIBYTE, LIMIT)
    assert str(refused.value) == (
        "there is not enough memory to load the model: it needs at least 200 MB for model.joblib, "
        "and 92 MB of 512 MB are free; unload other models, or take an instance with more memory"
    )
    assert weigh(notes, payload(91, surely=91, likely=91)) is None


def test_what_is_only_likely_is_tried_where_nothing_can_be_unloaded(
    notes: MemoryNotes, free: list[int]
) -> None:
    """A model that is alone has no better chance than now."""
    what = payload(50, surely=50, likely=200)

    assert weigh(notes, what) is None
    assert weigh(notes, what, has_neighbours=True) is not None


def test_what_a_model_took_is_what_it_takes_again(notes: MemoryNotes, free: list[int]) -> None:
    """As long as its files are the same, whatever they look like."""
    what = payload(10, surely=9, likely=10)
    notes.note_loaded(LoadNote("a", what.files, 150 * MEBIBYTE, 300 * MEBIBYTE))

    assert weigh(notes, what) is not None
    assert weigh(notes, payload(11, surely=9, likely=10)) is None
    free[0] = 280
    assert weigh(notes, what) is None
    assert weigh(notes, what, has_neighbours=True) is not None


def test_what_others_of_a_kind_took_tells_something(notes: MemoryNotes, free: list[int]) -> None:
    """The least of them counts, and that with a discount."""
    for ratio in (5.0, 3.0, 4.0):
        notes.note_kind("arrays", ratio)

    assert weigh(notes, payload(50, likely=50), has_neighbours=True) is not None
    assert weigh(notes, payload(38, likely=38), has_neighbours=True) is None
    assert weigh(notes, payload(50, likely=50, kind="trees"), has_neighbours=True) is None


def test_what_other_loads_are_still_to_take_is_not_free(
    notes: MemoryNotes, free: list[int]
) -> None:
    """Of two that come together one waits for memory; one that has ended reserves nothing."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        LoadMemory("b", notes).weigh(payload(70, surely=70, likely=70))
        os.write(writing, b"x")
        signal.pause()
    os.read(reading, 1)
    both = weigh(notes, payload(60, surely=60, likely=60))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

    assert both is not None
    assert 17 * MEBIBYTE < both.free <= 23 * MEBIBYTE
    assert weigh(notes, payload(60, surely=60, likely=60)) is None


def test_a_load_is_measured(notes: MemoryNotes, free: list[int]) -> None:
    """Its memory, and what it took on the way; the next load knows both."""
    reading, writing = os.pipe()
    pid = os.fork()  # in a process of its own, as a host's is
    if pid == 0:
        give_back()  # what tests before have freed, which the load would
        memory = LoadMemory("a", notes)
        memory.weigh(payload(50, surely=50, likely=50))
        kept = np.ones(50 * MEBIBYTE // 8)
        np.ones(30 * MEBIBYTE // 8)
        memory.loaded()
        os.write(writing, str(kept.size).encode())
        signal.pause()
    os.read(reading, 100)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    note = notes.loaded("a")

    assert note is not None
    assert note.files == payload(50).files
    assert 49 * MEBIBYTE <= note.memory < 75 * MEBIBYTE
    assert 74 * MEBIBYTE <= note.peak < 100 * MEBIBYTE
    assert notes.least_ratio("arrays") == pytest.approx(note.peak / (50 * MEBIBYTE))


def test_what_a_process_has_of_its_own_is_noted_later(
    notes: MemoryNotes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that it shares with no other counts; a model that was never noted stays unknown."""
    monkeypatch.setenv("BYO_BACKEND_DIR", str(tmp_path))
    notes.note_loaded(LoadNote("a", "files", 1, 2))

    note_process("a")
    note_process("b")

    note = notes.loaded("a")
    assert note is not None
    assert note.memory > MEBIBYTE
    assert note.peak == 2
    assert notes.loaded("b") is None


def test_a_load_that_runs_out_says_what_there_was(notes: MemoryNotes, free: list[int]) -> None:
    """What it has taken was free for it."""
    memory = LoadMemory("a", notes)
    memory.weigh(payload(50, surely=50, likely=50))

    error = memory.failed(MemoryError("Unable to allocate 9 GiB"))

    assert isinstance(error, NotEnoughMemory)
    assert error.note.needed >= error.note.free >= 100 * MEBIBYTE
    assert "Unable to allocate 9 GiB" in str(error)
    assert notes.reserved() == 0


def test_notes_that_cannot_be_written_are_done_without(free: list[int]) -> None:
    """A folder that is gone, or a disk that is full, refuses no model."""
    nowhere = MemoryNotes(Path("/proc/nowhere"))
    memory = LoadMemory("a", nowhere)

    memory.weigh(payload(50, surely=50, likely=50))
    memory.loaded()

    assert nowhere.loaded("a") is None
