"""The records of processes: counted by one, read by another, and never twice or not at all."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handler.metrics import load_record, model_record, restarts
from handler.metrics.layout import (
    CELLS,
    LOAD,
    MOST_USER_NAMES,
    OUTCOMES,
    OUTCOMES_AT,
    PREDICT,
    REASONS_AT,
    Histogram,
)
from handler.metrics.model_record import FileRecord, UnreadRecord, close_record, record_of
from handler.metrics.record_files import RecordFiles
from handler.metrics.user_figures import UserFigures
from handler.processes.process_shared_memory import ProcessRecord
from tests.serving.backend.processes import eventually


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where this process and those that it forks count."""
    monkeypatch.setattr(model_record, "_records", {})
    monkeypatch.setattr(model_record, "_folder", None)
    yield model_record.count_in(tmp_path)
    for model in list(model_record._records):
        close_record(model)


def in_a_child(work: Callable[[], None], ends: int | None = None) -> None:
    """Do something in a forked process, which then ends, or is ended by a signal."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            if ends:
                os.kill(os.getpid(), ends)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def predictions(files: RecordFiles, model: str) -> float:
    return float(files.read().figures[model].cells[PREDICT.at : PREDICT.sum_at].sum())


def predict(model: str, times: int = 1) -> None:
    for _ in range(times):
        record_of(model).observe(PREDICT, 0.002)


def test_what_ended_processes_counted_stands_and_is_counted_once(folder: Path) -> None:
    """Processes end by themselves or are killed, and others go on: the sum is that of all."""
    files = RecordFiles(folder)
    in_a_child(lambda: predict("a", 3))
    in_a_child(lambda: predict("a", 4), signal.SIGKILL)
    predict("a", 5)

    sums = [predictions(files, "a") for _ in range(3)]
    in_a_child(lambda: predict("a", 1), signal.SIGKILL)
    sums.append(predictions(files, "a"))

    assert sums == [12, 12, 12, 13]
    assert len(list(folder.iterdir())) == 1  # that of this process


def test_a_forked_process_does_not_keep_its_parents_record(folder: Path) -> None:
    """It lives on: what its parent has counted is taken for that of one that has ended."""
    files = RecordFiles(folder)
    predict("a")
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(writing)
        predict("b")
        os.read(reading, 1)
        os._exit(0)
    eventually(lambda: "b" in files.read().figures)
    close_record("a")

    assert predictions(files, "a") == 1
    assert len(list(folder.iterdir())) == 1  # that of the forked process
    os.close(writing)
    os.waitpid(pid, 0)
    os.close(reading)
    assert predictions(files, "b") == 1


def test_a_model_that_comes_again_goes_on_where_it_was(folder: Path) -> None:
    """UNLOAD and LOAD in one process that has many models."""
    files = RecordFiles(folder)
    load_record.begun("a")
    load_record.loaded("a", 0.3)
    predict("a", 2)
    held = dict(files.read().holders)
    close_record("a")
    gone = files.read()
    predict("a", 3)

    assert held == {"a": {os.getpid()}}
    assert gone.holders == {}
    assert gone.figures["a"].cells[LOAD.sum_at] == 0.3
    assert predictions(files, "a") == 5


def test_a_load_ends_in_one_of_four_ways(folder: Path) -> None:
    files = RecordFiles(folder)
    in_a_child(lambda: load_record.begun("a"), signal.SIGKILL)
    for error in (None, ValueError(), MemoryError()):
        load_record.begun("a")
        if error is None:
            load_record.loaded("a", 2.0)
        else:
            load_record.failed("a", error)

    cells = files.read().figures["a"].cells
    assert cells[OUTCOMES_AT : OUTCOMES_AT + len(OUTCOMES)].tolist() == [1, 1, 1, 1]
    files.read()
    assert files.read().figures["a"].cells[OUTCOMES_AT + OUTCOMES.index("died")] == 1


@pytest.mark.parametrize(
    ("code", "busy_for", "reason"),
    [(1, 0.0, 0), (-signal.SIGSEGV, 0.0, 1), (-signal.SIGKILL, 0.0, 2), (-signal.SIGABRT, -1, 3)],
)
def test_replaced_processes_are_counted_by_reason(
    folder: Path, code: int, busy_for: float, reason: int
) -> None:
    told = ProcessRecord()
    with told.limit(1):
        if busy_for:
            told._open.busy_until = time.monotonic() + busy_for
        restarts.replaced(told, code)

    cells = RecordFiles(folder).read().figures[""].cells
    assert cells[REASONS_AT : REASONS_AT + 5].tolist() == [float(n == reason) for n in range(5)]


def test_where_no_record_can_be_made_nothing_fails(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk: it is said once, and the model is served."""

    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        predict("a", 3)

    assert "model 'a'" in caplog.text
    assert "No space left" in caplog.text
    assert RecordFiles(folder).read().figures == {}
    assert list(folder.iterdir()) == []


def test_nothing_is_counted_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """BYO_METRICS=off: there is no folder."""
    monkeypatch.setattr(model_record, "_records", {})
    monkeypatch.setattr(model_record, "_folder", None)
    monkeypatch.delenv("BYO_BACKEND_DIR", raising=False)

    predict("a")

    assert isinstance(record_of("a"), UnreadRecord)
    assert record_of("a").cells.tolist() == [0.0] * CELLS


def test_a_value_is_in_the_bucket_that_it_does_not_exceed(folder: Path) -> None:
    histogram = Histogram((1.0, 2.0), 0)
    record = FileRecord(folder, "a")
    for value, times in ((1.0, 1), (1.5, 2), (7.0, 3)):
        record.observe(histogram, value, times)

    assert record.cells[:4].tolist() == [1, 2, 3, 25.0]
    record.close()


class Metric:
    """What multi-model-server's store holds of one."""

    def __init__(self, name: object, value: object, unit: str, method: str | None = None) -> None:
        self.name, self.value, self.unit, self.metric_method = name, value, unit, method


def test_user_figures_become_what_prometheus_takes(folder: Path) -> None:
    """Names, units and values as people give them; what can't be told is counted."""
    figures = UserFigures(record_of("a"))
    figures.note(
        [
            Metric("Rows seen", 3, "Count", "counter"),
            Metric("Rows seen", 4, "Count", "counter"),
            Metric("wait", 1500, "Milliseconds"),
            Metric("size", 2, "Megabytes"),
            Metric("müde", 1.5, "unit"),
            Metric("a_total", 1, "unit"),
            Metric("bad", "text", "unit"),
            Metric("bad", float("nan"), "unit"),
            Metric("Rows seen", -1, "Count", "counter"),
        ]
    )
    users = RecordFiles(folder).read().figures["a"].users

    assert {name: one.sum for name, one in users.items() if one.times} == {
        "Rows_seen_total": 7.0,
        "wait_seconds": 1.5,
        "size_bytes": 2e6,
        "m_de": 1.5,
        "a": 1.0,
    }
    assert RecordFiles(folder).read().figures["a"].cells[CELLS - 1] == 3


def test_user_code_has_so_many_names(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A name for each caller: the first ones count, one line says so, the rest is counted."""
    figures = UserFigures(record_of("a"))
    figures.note(Metric(f"caller {number}", 1, "unit") for number in range(3 * MOST_USER_NAMES))

    found = RecordFiles(folder).read().figures["a"]
    assert len(found.users) == MOST_USER_NAMES
    assert found.cells[CELLS - 1] == 2 * MOST_USER_NAMES
    assert caplog.text.count("names") == 1


def test_a_record_whose_process_was_killed_while_it_made_it_is_not_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is one taken away that a living process is just making."""
    being_made = folder / f"{os.getpid()}-1"
    being_made.touch()
    strange = folder / "socket-1"
    strange.touch()

    def killed(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(os, "posix_fallocate", killed)
    in_a_child(lambda: predict("a"))
    assert len(list(folder.iterdir())) == 3

    assert RecordFiles(folder).read().figures == {}

    assert set(folder.iterdir()) == {being_made, strange}
