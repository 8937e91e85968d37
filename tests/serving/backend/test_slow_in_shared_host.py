"""A slow model in a host that others share: it leaves, and keeps them waiting no more."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.serving.conftest import DEADLINE, Tree, make_tree, save_positional, survivors
from tests.serving.test_misbehaviour import wait_until
from tests.serving.test_stop import PLATFORM_SECONDS, Serving, load, serving

pytestmark = pytest.mark.slow

# More than there are hosts, so that each host has several.
MODELS = 6
OTHERS = range(1, MODELS)
LEAVES = "it gets a host of its own"


def path_of(number: int) -> str:
    return f"/models/model-{number}/invoke"


def load_all(one: Serving, tree: Tree) -> None:
    for number in range(MODELS):
        folder = tree.root / f"model-{number}"
        save_positional(folder)
        load(one, f"model-{number}", folder)


def ask(one: Serving, number: int, body: str) -> int:
    status, _ = Serving(one.process, one.port, one.log, path_of(number)).ask(body)
    return status


def test_a_slow_model_gets_a_host_of_its_own(tmp_path: Path) -> None:
    """After it has kept others waiting once; then they are answered while it is at work."""
    tree = make_tree(tmp_path).inference("does_as_told.py")
    answers: list[int] = []
    with serving(tree, multi_model=True, BYO_BACKEND="shared") as one:
        load_all(one, tree)
        assert ask(one, 0, "slow") == 200
        wait_until(lambda: one.logged("'model-0' moves to a host of its own"), DEADLINE)
        assert one.logged(LEAVES)
        slow = threading.Thread(target=lambda: answers.append(ask(one, 0, "slower")))
        slow.start()
        wait_until(lambda: one.logged("slower begins"), DEADLINE)

        others = [ask(one, number, "alive") for number in OTHERS]

        assert slow.is_alive()
        slow.join(DEADLINE)
        assert one.process.poll() is None
        one.process.terminate()
        assert one.process.wait(PLATFORM_SECONDS) == 0
    assert (answers, set(others)) == ([200], {200})
    assert survivors(tree) == []
