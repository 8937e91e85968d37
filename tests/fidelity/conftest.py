"""Models predict as they do in a worker: with one thread, whatever else the machine has to do."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="module")
def as_in_a_worker(one_thread: None) -> None:
    """For every test here."""
