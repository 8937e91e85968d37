"""A model that has served and can't be loaded again: callers are told why, until it can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving.backend.conftest import Observed, observed
from tests.serving.backend.processes import eventually, kill

pytestmark = pytest.mark.slow

# What an invocation takes here at most, before the frontend's own bound.
SECONDS = 30.0


@pytest.fixture(scope="module", params=["own", "shared"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Observed]:
    """A server of many models, each with a host of its own or not."""
    root = tmp_path_factory.mktemp(request.param)
    with observed(root, multi_model=True, BYO_BACKEND=request.param) as one:
        yield one


def away(server: Observed, folder: Path) -> str:
    """What callers are told of a model that is away, as soon as they are."""

    def told() -> str:
        status, answer = server.invoke(folder, "1,2", SECONDS)
        assert status in (500, 503)  # 500 is for what a process that was killed had begun
        return str(answer["detail"]) if status == 503 else ""

    return eventually(told)


def answer(server: Observed, folder: Path) -> Any:
    def asked() -> Any:
        status, said = server.invoke(folder, "1,2", SECONDS)
        return said if status == 200 else None

    return eventually(asked)


@pytest.mark.parametrize("victim", ["hosts", "fork_server", "launchers"])
def test_a_model_whose_artifact_has_gone(server: Observed, victim: str) -> None:
    """Whatever was killed; its neighbour answers, and so does it once the artifact is there."""
    gone, beside = (server.model(f"{name}-{victim}", None) for name in ("gone", "beside"))
    assert [server.load(one) for one in (gone, beside)] == [200, 200]
    artifact = gone / "model.joblib"
    artifact.rename(gone / "elsewhere")
    found = getattr(server.processes, victim)()
    kill(*(found if isinstance(found, list) else [found]))
    if victim == "launchers":
        kill(*server.processes.hosts())

    assert "no model" in away(server, gone) or "artifact" in away(server, gone)
    assert answer(server, beside) == [0]
    assert "can't be loaded again" in away(server, gone)

    (gone / "elsewhere").rename(artifact)
    assert answer(server, gone) == [0]
    assert [server.unload(one) for one in (gone, beside)] == [200, 200]
    eventually(lambda: not server.processes.launchers())


def test_a_model_whose_process_ends_as_it_loads(server: Observed) -> None:
    """Nobody says why; how it ended is known."""
    folder = server.model("dies-loading", "dies_loading.py")
    assert server.load(folder) == 200
    (folder / "die").touch()
    kill(server.processes.host_of(folder))

    assert "killed by SIGKILL" in away(server, folder)

    (folder / "die").unlink()
    assert answer(server, folder)[1] == "1,2"
    assert server.unload(folder) == 200
