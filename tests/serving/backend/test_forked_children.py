"""Forked children: how their ends are told, and that they never outlive their parent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from byo.child_processes import with_packages
from tests.serving.backend.processes import SECONDS, await_end
from tests.serving.conftest import FIXTURES


@contextmanager
def program(what: str) -> Iterator[subprocess.Popen[str]]:
    """The program that forks children, at work."""
    process = subprocess.Popen(
        [sys.executable, FIXTURES / "forks_children.py", what],
        env=with_packages({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def told(what: str) -> tuple[list[Any], str]:
    """All that the program prints, and its errors."""
    with program(what) as process:
        output, errors = process.communicate(timeout=SECONDS)
    return [json.loads(line) for line in output.splitlines()], errors


def test_every_end_is_told() -> None:
    """Returned, left, raised or killed: an exit code, or the negative number of a signal."""
    reports, errors = told("endings")

    assert reports == [{"endings": [0, 3, 1, -9]}]
    assert "KeyError: 'of a child'" in errors


def test_siblings_draw_unlike_numbers() -> None:
    """Whatever their parent had seeded."""
    reports, _ = told("numbers")

    first, second = (report["drawn"] for report in reports)
    assert set(first).isdisjoint(second)


def test_a_child_looks_for_no_garbage_in_what_its_parent_has() -> None:
    """It would copy the pages of every other model's host's record, a thousand of them."""
    reports, _ = told("garbage")

    assert reports == [{"looked_through": 0, "enabled": True}]


def test_a_child_answers_signals_as_any_process() -> None:
    """Its parent's handlers are not its own."""
    reports, _ = told("signals")

    assert reports == [{"default": [True, True, True]}]


def test_no_child_outlives_its_parent() -> None:
    """SIGKILL of a process ends its children, and theirs."""
    with program("dies") as process:
        assert process.stdout is not None
        reports = [json.loads(process.stdout.readline()) for _ in range(2)]
        children = [psutil.Process(report["child"]) for report in reports]

        process.kill()

        await_end(children)
