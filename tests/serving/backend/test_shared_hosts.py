"""Many small models in a few hosts: they come, go and come back without touching each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.machine import this_machine
from tests.serving.backend.conftest import Observed, observed
from tests.serving.backend.processes import eventually, kill

pytestmark = pytest.mark.slow

ONE_ROW = "2,0\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """A server that puts small models without code together."""
    root = tmp_path_factory.mktemp("shared")
    with observed(root, multi_model=True, BYO_BACKEND="shared") as one:
        yield one


@pytest.fixture
def models(server: Observed, request: pytest.FixtureRequest) -> Iterator[list[Path]]:
    """More models than there are hosts for them."""
    folders = [server.model(f"{request.node.name}-{n}", fixture=None) for n in range(6)]
    assert [server.load(folder) for folder in folders] == [200] * 6
    yield folders
    for folder in folders:
        server.unload(folder)


def answers(server: Observed, folder: Path) -> bool:
    return server.invoke(folder, ONE_ROW) == (200, [1])


def test_there_are_no_more_hosts_than_cpus(server: Observed, models: list[Path]) -> None:
    """However many models there are; one with code of its own has a host of its own."""
    own = server.model("own", "tells_its_model.py")
    shared = {one.pid for one in server.processes.hosts()}

    assert server.load(own) == 200

    assert len(shared) == this_machine().cpus
    assert server.answering(own) not in shared
    assert all(answers(server, folder) for folder in models)
    assert server.unload(own) == 200


def test_a_host_that_dies_comes_back_with_its_models(server: Observed, models: list[Path]) -> None:
    """SIGKILL of every shared host: all their models are answered by new ones."""
    kill(*server.processes.hosts())

    for folder in models:
        eventually(lambda folder=folder: answers(server, folder))
    eventually(lambda: not server.processes.zombies())


def test_a_model_that_goes_leaves_the_others(server: Observed, models: list[Path]) -> None:
    """UNLOAD of some, and LOAD of them again."""
    gone, stay = models[::2], models[1::2]

    assert [server.unload(folder) for folder in gone] == [200] * 3

    assert [server.invoke(folder, ONE_ROW)[0] for folder in gone] == [404] * 3
    assert all(answers(server, folder) for folder in stay)
    assert [server.load(folder) for folder in gone] == [200] * 3
    assert all(answers(server, folder) for folder in models)


def test_a_model_that_cannot_load_fails_alone(server: Observed, models: list[Path]) -> None:
    """LOAD of what is no model is 500; the models of its host answer as before.

    More than once: a refusal that is faster than the frontend would leave the model behind.
    """
    for _ in range(5):
        broken = server.model("broken", fixture=None)
        (broken / "model.joblib").write_bytes(b"no model")

        assert server.load(broken) == 500

        assert all(answers(server, folder) for folder in models)
        server.model("broken", fixture=None)
        assert server.load(broken) == 200
        assert answers(server, broken)
        assert server.unload(broken) == 200
