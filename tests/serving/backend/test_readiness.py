"""/ping of real servers: red while they can't load or answer, green again when they can."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from handler.serve.exit_codes import EXIT_CODES
from handler.serve.model_load_watch import ModelUnavailable
from tests.serving.backend.conftest import Observed, observed
from tests.serving.backend.processes import AS_FIRST_PROCESS, await_end, eventually, kill
from tests.serving.conftest import FIXTURES, Tree, run_to_its_end

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


def test_a_fork_server_that_is_stopped(many: Observed) -> None:
    """It goes on, and none of its hosts notices."""
    folder = many.model("before-the-stop")
    assert many.load(folder) == 200
    answering = many.answering(folder)
    fork_server = many.processes.fork_server()

    for number in range(3):
        fork_server.suspend()

        after = many.model(f"after-the-stop-{number}")
        assert many.load(after) == 200
        assert many.unload(after) == 200

    assert many.answering(folder) == answering
    assert many.processes.fork_server() == fork_server
    assert f"process {fork_server.pid} was stopped: it goes on" in many.log
    assert many.unload(folder) == 200


@pytest.mark.parametrize("multi_model", [True, False])
def test_a_fork_server_that_stands_still(tmp_path: Path, multi_model: bool) -> None:
    """No model can be loaded: it is said, and another takes its place; hosts answer until then."""
    path = f"{AS_FIRST_PROCESS['PYTHONPATH']}{os.pathsep}{FIXTURES / 'hangs'}"
    settings = {"PYTHONPATH": path, "BYO_PRELOAD": "hangs_when_told"}
    with observed(tmp_path, multi_model=multi_model, **settings) as server:
        folder = server.model("model") if multi_model else None
        if folder:
            assert server.load(folder) == 200
        assert server.answering(folder)
        fork_server = server.processes.fork_server()

        fork_server.send_signal(signal.SIGUSR1)

        assert server.invoke(folder)[0] == 200
        assert red(server) == "the fork server does not answer: no model can be loaded"
        assert server.invoke(folder)[0] == 200
        await_end([fork_server])
        eventually(lambda: is_well(server))
        assert server.answering(folder)
        assert "the fork server has said nothing for too long: it is killed" in server.log
        assert "/ping answers with 200 again" in server.log


def test_the_next_fork_server_stands_by(many: Observed) -> None:
    """It takes the place of one that was killed; killed itself, it is replaced as well."""
    folder = many.model("carried-on")
    assert many.load(folder) == 200
    kill(eventually(many.processes.standby))
    standby = eventually(many.processes.standby)

    kill(many.processes.fork_server())

    eventually(lambda: many.processes.fork_server() == standby)
    assert many.answering(folder)
    assert many.unload(folder) == 200
    assert eventually(many.processes.standby) != standby


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
        kill(eventually(many.processes.fork_server))
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
