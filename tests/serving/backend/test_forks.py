"""Code that does not like to be forked, where two workers are asked for: all is answered."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from byo.endpoint import Client
from tests.serving.backend.processes import eventually
from tests.serving.conftest import Tree, make_tree, running, save_positional

pytestmark = [pytest.mark.slow, pytest.mark.portable]


def save_boosted(model_dir: Path) -> None:
    """A model whose predictions run in threads of OpenMP."""
    X = np.random.default_rng(0).normal(size=(200, 2))
    model = HistGradientBoostingClassifier(max_iter=5).fit(X, X[:, 0] > 0)
    joblib.dump(model, model_dir / "model.joblib")


def answers(tree: Tree, processes: int, **settings: str) -> dict[int, list[Any]]:
    """What is answered where two workers are asked for, by process id, as soon as so many did."""
    found: dict[int, list[Any]] = {}
    with running(tree, MODEL_SERVER_WORKERS="2", **settings) as server:

        def ask(_: int) -> list[Any]:
            with Client(server.client.url) as client:
                return list(json.loads(client.invoke(b"2,0\n", "text/csv").require_ok().body))

        def enough() -> bool:
            with ThreadPoolExecutor(8) as pool:
                for pid, *answer in pool.map(ask, range(16)):
                    found.setdefault(pid, []).append(answer)
            return len(found) >= processes

        eventually(enough)
    return found


def test_a_module_that_starts_a_thread(tmp_path: Path) -> None:
    """A thread does not come along in a fork: nobody is left to wait for one that is not there."""
    tree = make_tree(tmp_path).inference("starts_a_thread.py")
    save_positional(tree.paths.model)

    found = answers(tree, 1)

    assert all(answer == [1] for each in found.values() for answer in each)


def test_a_model_of_many_threads_that_is_warmed_up(tmp_path: Path) -> None:
    """OpenMP's threads do not come along, either, and it would wait for them."""
    tree = make_tree(tmp_path).inference("warms_up.py")
    save_boosted(tree.paths.model)

    threads = {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}
    found = answers(tree, 1, MODEL_SERVER_TIMEOUT="20", **threads)

    assert all(answer == [True] for each in found.values() for answer in each)


def test_workers_draw_unlike_numbers(tmp_path: Path) -> None:
    """Both are forked from a process that seeded its generators.

    Threads of BLAS, which a setting gives to whoever imports numpy, end before a fork.
    """
    tree = make_tree(tmp_path).inference("draws_numbers.py")
    save_positional(tree.paths.model)

    one, other = answers(tree, 2, OMP_NUM_THREADS="2").values()

    assert {n for answer in one for n in answer}.isdisjoint(n for answer in other for n in answer)
