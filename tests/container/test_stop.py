"""`docker stop` of a container that serves: what is under way is answered, and nothing is left."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract import Paths
from tests.container.engine import Container, container, mount, published, serving
from tests.container.jobs import FIXTURES
from tests.container.models import with_code
from tests.serving.conftest import FIXTURES as MODULES

CLIENTS = 8
FRONTEND_ENDED = 5
DEADLINE = 60.0
LOADS_FOR_EVER = """
import signal
def model_fn(path):
    print("loading", flush=True)
    signal.pause()
"""
KILL_FRONTEND = """
import os, pathlib, signal
for line in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
    if line.read_bytes().startswith(b"/opt/java"):
        os.kill(int(line.parent.name), signal.SIGKILL)
"""


@contextmanager
def under_load(image: str, one: Container, connections: str) -> Iterator[Container]:
    """Clients in a container of their own that sees the other's ports as its own.

    A port that the engine publishes would not do: the engine itself accepts connections there.
    """
    options = ["--network", f"container:{one.name}", *mount(FIXTURES / "load.py", "/load.py")]
    command = ("python", "/load.py", str(CLIENTS), connections)
    with container(image, *command, options=options) as clients:
        clients.until_logged("under load")
        yield clients


@pytest.mark.parametrize("connections", ["new", "kept"])
def test_a_stop_under_load_loses_nothing(image: str, trained: Paths, connections: str) -> None:
    """Each request that is under way when the stop comes is answered; none is broken off.

    Clients ask on until they find the port closed.
    """
    model = mount(trained.model, "/opt/ml/model", read_only=True)
    with serving(image, *model) as one, under_load(image, one, connections) as clients:
        one.signal("TERM")
        code = one.until_ended()
        clients.until_ended()
        counts = json.loads(clients.log().splitlines()[-1])

    assert set(counts) == {"200", "refused"}
    assert counts["refused"] == CLIENTS
    assert code == 0


@pytest.fixture
def told(image: str, trained: Paths, tmp_path: Path) -> Iterator[Container]:
    """A container whose model does as the body tells it."""
    model = with_code(trained, tmp_path / "model", {"inference.py": MODULES / "does_as_told.py"})
    with serving(image, *mount(model, "/opt/ml/model", read_only=True)) as one:
        yield one


def test_a_stop_waits_for_what_is_under_way(told: Container) -> None:
    """A slow invocation is answered before the container ends."""
    answers = []

    def ask() -> None:
        with told.client() as client:
            answers.append(client.invoke(b"slow", "text/csv"))

    asking = threading.Thread(target=ask)
    asking.start()
    told.until_logged("slow begins")

    code = told.stop()

    asking.join(DEADLINE)
    assert [answer.status for answer in answers] == [200]
    assert code == 0


def test_a_worker_that_dies_is_replaced(told: Container) -> None:
    """The invocation is lost, and says so; the container goes on."""
    with told.client() as client:
        lost = client.invoke(b"die", "text/csv")
        answers = [client.invoke(b"alive", "text/csv").status for _ in range(4)]

    assert lost.status == 500
    assert answers == [200] * 4


def test_a_frontend_that_dies_ends_the_container(told: Container) -> None:
    """SageMaker starts it anew then: better than a container that answers nothing."""
    told.execute("python", "-c", KILL_FRONTEND)

    assert told.until_ended() == FRONTEND_ENDED
    assert "the frontend ended by itself" in told.log().splitlines()[-1]


def test_a_stop_while_the_model_loads(image: str, trained: Paths, tmp_path: Path) -> None:
    """A container that is not wanted any more need not load its model first."""
    model = with_code(trained, tmp_path / "model", {"inference.py": LOADS_FOR_EVER})
    options = [*published(), *mount(model, "/opt/ml/model", read_only=True)]
    with container(image, "serve", options=options) as one:
        one.until_logged("loading")

        code = one.stop()

    assert code == 0


def test_orphans_are_reaped(image: str, trained: Paths, tmp_path: Path) -> None:
    """PID 1 takes note of the end of processes that lost their parent, or the model won't load."""
    model = with_code(trained, tmp_path / "model", {"inference.py": FIXTURES / "orphans.py"})
    with serving(image, *mount(model, "/opt/ml/model", read_only=True)) as one:
        assert one.stop() == 0
