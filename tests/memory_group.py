"""A real memory control group around what a test starts, of either version."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract.control_groups import groups
from contract.free_memory import memory_kills

MEBIBYTE = 1024 * 1024
GONE_SECONDS = 10.0


@dataclass(frozen=True)
class MemoryGroup:
    """A group with a limit."""

    folder: Path

    @contextmanager
    def joined(self) -> Iterator[None]:
        """What is started in the block, and all that it starts, is in the group."""
        before = _own_group()
        _join(self.folder)
        try:
            yield
        finally:
            _join(before)

    def kills(self) -> int:
        """How many processes the kernel has killed in it."""
        with self.joined():
            return memory_kills()


@contextmanager
def memory_group(megabytes: int) -> Iterator[MemoryGroup]:
    """A group of so much memory, without swap; the test is skipped where none can be made."""
    folder = _own_group() / f"byo-test-{os.getpid()}-{time.monotonic_ns()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here ({error})")
    try:
        _limit(folder, megabytes * MEBIBYTE)
        yield MemoryGroup(folder)
    finally:
        until = time.monotonic() + GONE_SECONDS
        while folder.is_dir() and time.monotonic() < until:
            with contextlib.suppress(OSError):  # as long as what was started in it ends
                folder.rmdir()
            time.sleep(0.05)


def _limit(folder: Path, size: int) -> None:
    limits = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
    if (folder / "memory.max").exists():
        limits = ("memory.max",)
        with contextlib.suppress(OSError):  # without swap there is no such file
            (folder / "memory.swap.max").write_text("0")
    try:
        for name in limits:
            (folder / name).write_text(str(size))
    except OSError as error:
        folder.rmdir()
        pytest.skip(f"no memory can be limited here ({error})")


def _own_group() -> Path:
    """This process's group, of the controller of memory."""
    for folder in sorted(groups(Path("/")), key=lambda one: len(one.parts), reverse=True):
        if (folder / "memory.stat").exists() and _is_own(folder):
            return folder
    pytest.skip("there is no control group of memory here")


def _is_own(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return str(os.getpid()) in (folder / "cgroup.procs").read_text().split()
    return False


def _join(folder: Path) -> None:
    try:
        (folder / "cgroup.procs").write_text(str(os.getpid()))
    except OSError as error:
        pytest.skip(f"no process can be put into a control group here ({error})")
