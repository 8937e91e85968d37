"""What stands by for the fork server, and takes its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.serving.backend.conftest import Observed, observed
from tests.serving.backend.processes import eventually, kill
from tests.serving.conftest import FIXTURES

pytestmark = pytest.mark.slow

GENERATIONS = 4
# Of what it holds; by itself it would hold all of it alone.
SHARE_OF_ITS_OWN = 0.25


def test_it_shares_what_the_fork_server_has_imported(many: Observed) -> None:
    standby = eventually(many.processes.standby)

    memory = standby.memory_full_info()

    assert memory.uss < SHARE_OF_ITS_OWN * memory.rss
    assert "sklearn" in Path(f"/proc/{standby.pid}/maps").read_text(encoding="utf-8")


def test_one_after_the_other(many: Observed) -> None:
    """Each takes the place of the one before, with nothing left open of that."""
    folder = many.model("generations")
    assert many.load(folder) == 200
    files = []
    for _ in range(GENERATIONS):
        standby = eventually(many.processes.standby)
        kill(many.processes.fork_server())

        eventually(lambda wanted=standby: many.processes.fork_server() == wanted)
        assert many.answering(folder)
        eventually(many.processes.standby)
        files.append(many.processes.fork_server().num_fds())
    assert files == [files[0]] * GENERATIONS
    assert many.unload(folder) == 200


def test_the_fork_server_of_a_single_model_that_has_imported_the_rest(single: Observed) -> None:
    """It imports what the first host did not wait for, before anything stands by."""
    standby = eventually(single.processes.standby)
    assert "svm" in Path(f"/proc/{standby.pid}/maps").read_text(encoding="utf-8")

    kill(single.processes.fork_server())

    assert single.answering()
    assert eventually(single.processes.standby) != standby


def test_it_can_not_be_forked_for_a_while(tmp_path: Path) -> None:
    """It is asked for again, and what the fork server does goes on meanwhile."""
    lacks = tmp_path / "lacks"
    lacks.touch()
    settings = {
        "PYTHONPATH": f"{FIXTURES / 'first_process'}:{FIXTURES}",
        "BYO_PRELOAD": "forks_no_standby",
        "NO_STANDBY": str(lacks),
    }
    with observed(tmp_path / "server", multi_model=True, **settings) as server:
        said = "nothing stands by for the fork server: it could not be forked"
        eventually(lambda: said in server.log)
        folder = server.model("meanwhile")
        assert server.load(folder) == 200

        lacks.unlink()

        standby = eventually(server.processes.standby)
        kill(server.processes.fork_server())
        eventually(lambda: server.processes.fork_server() == standby)
        assert server.answering(folder)
