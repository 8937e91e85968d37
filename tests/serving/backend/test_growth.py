"""Loading and unloading for ever: no file, descriptor, thread or process stays behind."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.serving.backend.conftest import Observed
from tests.serving.backend.processes import eventually, kill

pytestmark = pytest.mark.slow

CYCLES = 60


def held(one: Observed) -> Counter[str]:
    """What the server's own processes hold, by kind."""
    scratch = next(one.temp.iterdir())
    server, fork_server = one.processes.supervisor(), one.processes.fork_server()
    return Counter(
        files=sum(1 for _ in scratch.rglob("*")),
        processes=len(one.processes.all()),
        zombies=len(one.processes.zombies()),
        descriptors=server.num_fds() + fork_server.num_fds(),
        threads=one.processes.frontend().num_threads() // 20,  # its pools grow by a few
    )


@pytest.mark.parametrize("killing", [False, True])
def test_a_model_that_comes_and_goes_leaves_nothing(many: Observed, killing: bool) -> None:
    """Whether its host is killed in between or not."""
    folder = many.model(f"comes-and-goes-{killing}")

    def cycle() -> None:
        eventually(lambda: many.load(folder) == 200)
        if killing:
            kill(many.processes.host_of(folder))
            assert many.answering(folder)
        assert many.unload(folder) == 200

    cycle()
    before = eventually(lambda: settled(many))
    for _ in range(CYCLES // (10 if killing else 1)):
        cycle()

    eventually(lambda: held(many) == before)


def settled(one: Observed) -> Counter[str] | None:
    """What is held, once nothing of the models that came is left."""
    is_left = any(next(one.temp.iterdir()).glob("*-std*")) or one.processes.launchers()
    now = held(one)  # after that was looked at: it only becomes less
    return None if is_left or now["zombies"] else now
