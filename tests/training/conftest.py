"""Fixtures of the training tests: a job to run, and a FIFO that tells whether processes live."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.training.jobs import Job


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    job = Job(tmp_path / "ml")
    yield job
    job.end()


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


@pytest.fixture
def held_open(fifo: Path) -> Iterator[Callable[[], bool]]:
    """Whether any process still holds the FIFO open for writing; waits for the first to do so."""
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)

    def check() -> bool:
        try:
            while os.read(reading, 4096):
                pass
        except BlockingIOError:
            return True
        return False

    yield check
    os.close(reading)
