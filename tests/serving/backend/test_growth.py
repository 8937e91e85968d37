"""Loading and unloading for ever: no file, descriptor, thread, memory or process stays behind."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.serving.backend.conftest import Observed
from tests.serving.backend.processes import SECONDS, eventually, kill

pytestmark = pytest.mark.slow

# `make test-growth` asks for 2,000.
CYCLES = int(os.environ.get("BYO_TEST_CYCLES", "60"))
# So many models come and go beside each other.
LANES = 4
# What a process may hold more at the end, as allocators keep what they had.
ALLOWED_MEGABYTES = 8
MEGABYTE = 1e6
KIB = 1024


def held(one: Observed) -> Counter[str]:
    """What the server's own processes hold, by kind; of files, the names without what differs."""
    scratch = next(one.temp.iterdir())
    server, fork_server = one.processes.supervisor(), one.processes.fork_server()
    files = (str(file.relative_to(scratch)) for file in scratch.rglob("*"))
    return Counter(re.sub(r"[0-9a-f]*\d[0-9a-f]*", "N", file) for file in files) + Counter(
        processes=len(one.processes.all()),
        zombies=len(one.processes.zombies()),
        descriptors=server.num_fds() + fork_server.num_fds(),
        threads=one.processes.frontend().num_threads() // 20,  # its pools grow by a few
    )


def memory(one: Observed) -> dict[str, float]:
    """The anonymous megabytes of each of the lasting processes.

    What a process has for itself (USS) depends on who shares its pages: with the standby just
    dead, the fork server is alone with ten times as much as beside it.
    """
    lasting = {
        "supervisor": one.processes.supervisor(),
        "fork server": one.processes.fork_server(),
        "frontend": one.processes.frontend(),
    }
    return {name: anonymous(process) for name, process in lasting.items()}


def anonymous(process: psutil.Process) -> float:
    """The megabytes of a process that no file is behind, shared with others or not."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
    )
    return int(fields["RssAnon"].split()[0]) * KIB / MEGABYTE


@pytest.mark.timeout(300 + 2 * CYCLES)
@pytest.mark.parametrize("killing", [False, True])
def test_models_that_come_and_go_leave_nothing(many: Observed, killing: bool) -> None:
    """Whether hosts are killed in between or not."""
    folders = [many.model(f"comes-and-goes-{killing}-{lane}") for lane in range(LANES)]
    cycles = CYCLES // LANES // (2 if killing else 1)

    def come_and_go(lane: int, count: int) -> None:
        folder = folders[lane]
        for _ in range(count):
            eventually(lambda: many.load(folder) == 200)
            if killing:
                kill(host_of(many, folder))
                assert many.answering(folder)
            assert many.unload(folder) == 200

    def all_come_and_go(count: int) -> None:
        with ThreadPoolExecutor(LANES) as pool:
            for one in [pool.submit(come_and_go, lane, count) for lane in range(LANES)]:
                one.result()

    eventually(many.processes.standby)
    all_come_and_go(5)
    before, memory_before = eventually(lambda: settled(many)), memory(many)

    all_come_and_go(cycles)

    assert_no_more(many, before)
    memory_after = memory(many)
    # The figures are what the run is for, where it is a long one.
    print(f"{LANES * cycles} cycles, megabytes: {memory_before}, then {memory_after}")  # noqa: T201
    for name in ("supervisor", "fork server"):
        assert memory_after[name] < memory_before[name] + ALLOWED_MEGABYTES


def assert_no_more(one: Observed, before: Counter[str]) -> None:
    """Wait until the server holds nothing more than before, of any kind.

    It may hold less: what was counted before can have been there for a moment only.
    """
    deadline = time.monotonic() + SECONDS
    more = before
    while more:
        assert time.monotonic() < deadline, f"after {SECONDS:g} s there are more: {dict(more)}"
        time.sleep(0.1)
        with suppress(psutil.NoSuchProcess, StopIteration, ValueError):  # one has just ended
            more = held(one) - before


def host_of(one: Observed, folder: os.PathLike[str]) -> psutil.Process:
    """A model's host; others are forked and end at the same time."""

    def found() -> psutil.Process | None:
        for process in one.processes.hosts():
            try:
                if process.cwd() == str(folder):
                    return process
            except psutil.Error:
                continue
        return None

    return eventually(found)  # type: ignore[return-value]


def settled(one: Observed) -> Counter[str] | None:
    """What is held, once nothing of the models that came is left."""
    scratch = next(one.temp.iterdir())
    with one.client() as client:
        client.request("GET", "/metrics")  # what was counted by who has ended is added up
    counted = (int(record.name.split("-")[0]) for record in scratch.glob("metrics/*.record"))
    is_left = (
        any(scratch.glob("*-std*"))
        or one.processes.launchers()
        or not all(map(psutil.pid_exists, counted))
    )
    now = held(one)  # after that was looked at: it only becomes less
    return None if is_left or now["zombies"] else now
