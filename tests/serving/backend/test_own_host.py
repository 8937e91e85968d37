"""A model that is away or loaded anew: who is forked, handed over to, and taken for deserted."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from handler.fork_server import own_host
from handler.fork_server.launcher_slot import LauncherSlot
from handler.fork_server.model_sockets import ModelSockets
from handler.fork_server.own_host import OwnHost
from handler.processes.backoff import LONGEST_PAUSE_SECONDS
from tests.serving.backend.test_placement import KILLED, RELOAD_SECONDS, Process, World

REFUSED = 1


@dataclass
class Served:
    """A model that has loaded in a process of its own."""

    world: World
    host: OwnHost

    @property
    def pid(self) -> int:
        """Of the youngest process."""
        return max(self.world.processes)

    @property
    def process(self) -> Process:
        return self.world.processes[self.pid]

    def fail_to_load(self, times: int) -> None:
        """Lose the process, and those that follow before they have loaded."""
        self.world.end_process(self.pid, KILLED)
        for _ in range(times):
            self.world.now += LONGEST_PAUSE_SECONDS + 1
            self.host.look_after()
            self.process.told.tell_reason("no such file")
            self.world.end_process(self.pid, REFUSED)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    world = World()
    slot = LauncherSlot(world.load("model", tmp_path), tmp_path, ModelSockets())
    world.attach(slot, lambda: None)
    one = Served(world, OwnHost(slot, world, is_one_of_many=True, clock=world.clock))
    one.process.told.tell_loaded()
    one.host.look_after()
    yield one
    slot.close()


def test_who_stands_in_ends_once_the_model_is_there(served: Served) -> None:
    """It is there as soon as somebody asks, and gives what it has to the model's process."""
    served.fail_to_load(1)
    served.host.look_after()
    before = len(served.world.stand_ins)
    address = served.host.slot.request.address
    with closing(socket.socket(socket.AF_UNIX)) as frontend:
        frontend.connect(address)
        served.host.look_after()
        meanwhile = len(served.world.stand_ins)
        served.world.now += LONGEST_PAUSE_SECONDS + 1
        served.host.look_after()
        while_it_loads = len(served.world.stand_ins)

        served.process.told.tell_loaded()
        served.host.look_after()

    assert (before, meanwhile, while_it_loads) == (0, 1, 1)
    assert served.world.stand_ins == {}
    assert len(served.world.processes) == 1


def test_who_stands_in_ends_with_the_model(served: Served) -> None:
    served.fail_to_load(1)
    with closing(socket.socket(socket.AF_UNIX)) as frontend:
        frontend.connect(served.host.slot.request.address)
        served.host.look_after()
        assert len(served.world.stand_ins) == 1

        served.host.leave()

    assert served.world.stand_ins == {}
    assert served.world.processes == {}


def test_a_reload_does_not_wait_for_a_model_that_is_away(served: Served) -> None:
    """Who has mended the model says so by it."""
    served.fail_to_load(7)
    served.host.look_after()
    before = len(served.world.processes)

    assert served.host.reload(RELOAD_SECONDS)
    served.host.look_after()

    assert before == 0
    assert len(served.world.processes) == 1


def test_who_is_given_connections_is_not_deserted(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may all be at work for long in the process before, which keeps them until then."""
    monkeypatch.setattr(own_host, "DESERTED_SECONDS", -1.0)
    monkeypatch.setattr(served.world, "hand_over", lambda old, new: None)
    alone = served.host.is_deserted
    assert served.host.reload(RELOAD_SECONDS)
    first, second = sorted(served.world.processes)
    served.process.told.tell_loaded()
    served.host.look_after()

    assert alone
    assert not served.host.is_deserted
    served.world.end_process(first, 0)
    assert not served.host.is_deserted

    # Nobody gives anything to the one after it.
    served.world.end_process(second, KILLED)
    served.world.now += LONGEST_PAUSE_SECONDS
    served.host.look_after()
    served.process.told.tell_loaded()
    assert served.host.is_deserted
