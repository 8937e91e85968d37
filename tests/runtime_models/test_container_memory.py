"""What models take beside what the container tells of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from byo.runtime.models import container_memory
from byo.served_container.used_memory import _size, of_processes
from tests.runtime_models.places import SIZE, ask, cache_of, check_consistent, settled, store_with
from tests.runtime_models.stub_container import StubContainer

MIB = 1024 * 1024
SERVER, BESIDE = 50 * MIB, 4 * MIB


def test_the_budget_is_the_containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less what it takes without models; each takes more than it is known to."""
    monkeypatch.setattr(container_memory, "LEAST_SECONDS", 0)
    monkeypatch.setattr(container_memory, "LEAST_PAUSE", 0)

    async def scenario() -> None:
        names = [f"{number}.tar.gz" for number in range(30)]
        stub, store = StubContainer(), store_with(tmp_path / "s", names, MIB)
        folder = tmp_path / "models"
        grown = 0

        def measure() -> int:
            return SERVER + grown + stub.taken + BESIDE * len(stub.models)

        budget = SERVER + 10 * (MIB + BESIDE)
        async with cache_of(stub, store, folder, memory=budget, measure=measure) as cache:
            for name in names:
                await ask(cache, name)
                await settled(cache)
                assert measure() <= budget
            assert len(stub.models) == 10
            assert stub.unloaded == names[:20]
            grown = 20 * MIB  # the server itself
            for name in names:
                await ask(cache, name)
                await settled(cache)
            assert measure() <= budget
            assert len(stub.models) == 6
            grown = budget  # more than there is altogether: a few models stay all the same
            for name in names:
                await ask(cache, name)
                await settled(cache)
            assert 1 <= len(stub.models) <= 3
            check_consistent(cache, stub, folder)

    asyncio.run(scenario())


def test_one_that_can_not_be_measured(tmp_path: Path) -> None:
    """Then only what is known of its models counts."""

    async def scenario() -> None:
        names = [f"{number}.tar.gz" for number in range(5)]
        stub, store = StubContainer(), store_with(tmp_path / "s", names)
        async with cache_of(
            stub, store, tmp_path / "models", memory=3 * SIZE, measure=lambda: None
        ) as cache:
            for name in names:
                await ask(cache, name)
            assert len(stub.models) == 3

    asyncio.run(scenario())


def test_a_process_and_what_descends_from_it() -> None:
    """This one takes some megabytes; one that there is not, nothing that is known."""
    import os

    assert 5 * 1024**2 < (of_processes(os.getpid()) or 0) < 20 * 1024**3
    assert of_processes(2**22 + 1) is None  # beyond the kernel's largest


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("123.5MiB / 1GiB\n", int(123.5 * 1024**2)),
        ("1.5GiB / 2GiB", int(1.5 * 1024**3)),
        ("512B / 1GiB", 512),
        ("3KiB / 0B", 3072),
        ("-- / --", None),
        ("", None),
    ],
)
def test_what_docker_says(text: str, size: int | None) -> None:
    """As `docker stats` prints it."""
    assert _size(text) == size
