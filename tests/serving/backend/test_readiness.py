"""/ping of real servers: red while they can't load or answer, green again when they can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from handler.serve.exit_codes import EXIT_CODES
from handler.serve.model_load_watch import ModelUnavailable
from tests.serving.backend.conftest import Observed, observed
from tests.serving.backend.processes import eventually, kill
from tests.serving.conftest import Tree, run_to_its_end

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """A server of a single model that dies when it is told to."""
    root = tmp_path_factory.mktemp("dying")
    with observed(root, multi_model=False, fixture="dies_soon.py") as one:
        yield one


def ping(server: Observed) -> tuple[int, dict[str, str]]:
    with server.client(10) as client:
        answer = client.ping()
    return answer.status, json.loads(answer.body)


def is_well(server: Observed) -> bool:
    return ping(server)[0] == 200


def red(server: Observed) -> str:
    """Why a ping fails, as soon as it does."""

    def why() -> str:
        status, said = ping(server)
        return said["reason"] if status == 503 else ""

    return eventually(why)


@contextmanager
def stopped(process: psutil.Process) -> Iterator[None]:
    """A process that stands still until the block ends."""
    process.suspend()
    try:
        yield
    finally:
        process.resume()


@pytest.mark.parametrize("kind", ["many", "single"])
def test_a_fork_server_that_stands_still(kind: str, request: pytest.FixtureRequest) -> None:
    """No model can be loaded, nor another host be forked."""
    server: Observed = request.getfixturevalue(kind)
    assert is_well(server)

    with stopped(server.processes.fork_server()):
        assert red(server) == "the fork server does not answer: no model can be loaded"

    eventually(lambda: is_well(server))
    assert "/ping answers with 200 again" in server.log


def test_a_supervisor_that_stands_still(many: Observed) -> None:
    """Nobody would replace a fork server."""
    with stopped(many.processes.supervisor()):
        assert "has not said" in red(many)

    eventually(lambda: is_well(many))


def test_a_fork_server_that_is_replaced(many: Observed) -> None:
    """Which is soon done, and no reason to send a server no more requests."""
    folder = many.model("outlives-it")
    assert many.load(folder) == 200
    for _ in range(3):
        kill(many.processes.fork_server())
        assert is_well(many)
        many.answering(folder)
        assert is_well(many)
    assert many.unload(folder) == 200


def test_a_tenants_broken_model_is_nobody_elses_concern(many: Observed) -> None:
    """Whether it can't load or dies again and again."""
    failing, dying = (
        many.model("failing", "raises_in_model_fn.py"),
        many.model("dying", "dies_soon.py"),
    )
    assert many.load(failing) == 500
    assert many.load(dying) == 200
    hosts = set()
    (dying / "die").write_text("SIGSEGV")

    def died_often() -> bool:
        hosts.update(one.pid for one in many.processes.hosts())
        assert is_well(many)
        return len(hosts) > 5

    eventually(died_often)
    assert many.unload(dying) == 200


def test_a_folder_that_cannot_be_written_to(many: Observed) -> None:
    """A LOAD would fail, as a socket has to be put there."""
    (scratch,) = many.temp.iterdir()
    obstacle = scratch / "readiness.new"

    def is_in_the_way() -> bool:
        try:
            obstacle.mkdir()
        except FileExistsError:  # the file that is being written
            return False
        return True

    eventually(is_in_the_way)

    assert red(many) == "the scratch folder can't be written to"

    obstacle.rmdir()
    eventually(lambda: is_well(many))


def test_a_single_model_that_dies_again_and_again(dying: Observed) -> None:
    """It is not well until it stops doing so."""
    (dying.tree.paths.model / "die").write_text("SIGKILL")

    assert red(dying).endswith("and before it had answered: killed by SIGKILL")

    (dying.tree.paths.model / "die").unlink()
    eventually(lambda: is_well(dying))


def test_a_single_model_that_is_away_for_long(dying: Observed) -> None:
    """As it takes far longer to load than it took before."""
    hold = dying.tree.paths.model / "hold"
    hold.touch()
    kill(*dying.processes.hosts())

    assert red(dying).startswith("the model has had no process for ")

    hold.unlink()
    eventually(lambda: is_well(dying))
    assert dying.answering()


def test_a_single_model_that_is_killed_while_it_loads_again(dying: Observed) -> None:
    """However often: that is no more its own fault than a kill after that."""
    folder = dying.tree.paths.model
    hold = folder / "hold"
    hold.touch()
    kill(*dying.processes.hosts())
    for _ in range(5):
        kill(eventually(lambda: next(one for one in dying.processes.hosts() if loads(one, folder))))

    assert red(dying)

    hold.unlink()
    assert dying.answering()
    eventually(lambda: is_well(dying))


def loads(host: psutil.Process, folder: Path) -> bool:
    return (folder / f"loading-{host.pid}").exists()


@pytest.mark.parametrize("how", ["SIGSEGV", "exit"])
def test_a_single_model_that_never_stops_dying(positional: Tree, how: str) -> None:
    """It ends the server, which says why."""
    (positional.paths.model / "die").write_text(how)

    code, output = run_to_its_end(positional.inference("dies_soon.py"))

    assert code == EXIT_CODES[ModelUnavailable]
    assert "the model's process ended 5 times in a row" in output.splitlines()[-1]
