"""Real servers on scratch trees, and the models they serve."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from byo.algorithm_folder import Algorithm
from byo.endpoint import Client, local_endpoint, serving_environ
from contract import Paths, save_signature
from handler.serve.pick_free_port import free_port

FIXTURES = Path(__file__).parent / "fixtures"
DEADLINE = 60.0


@dataclass(frozen=True)
class Tree:
    """A scratch /opt/ml tree with a model, and an algorithm folder beside it."""

    root: Path

    @property
    def paths(self) -> Paths:
        return Paths(self.root / "ml")

    @property
    def algorithm(self) -> Algorithm:
        return Algorithm(self.root / "program")

    def inference(self, fixture: str) -> Tree:
        """Use one of the fixtures as the algorithm folder's inference.py."""
        shutil.copy(FIXTURES / fixture, self.algorithm.folder / "inference.py")
        return self

    def environ(self, **settings: str) -> dict[str, str]:
        return {**os.environ, **settings}


@dataclass(frozen=True)
class Server:
    """A running server: a client, and what it has logged so far."""

    client: Client
    log: Path

    def post(self, body: bytes | str, content_type: str = "text/csv", **headers: str) -> Any:
        payload = body.encode() if isinstance(body, str) else body
        return self.client.request(
            "POST", "/invocations", payload, {"Content-Type": content_type, **headers}
        )


Serve = Callable[..., AbstractContextManager[Server]]


@contextmanager
def running(tree: Tree, *, multi_model: bool = False, **settings: str) -> Iterator[Server]:
    """A server of this tree, until the block ends."""
    log = tree.root / f"serve-{free_port()}.log"
    with (
        local_endpoint(
            tree.paths, tree.algorithm, tree.environ(**settings), log=log, multi_model=multi_model
        ) as endpoint,
        endpoint.client() as client,
    ):
        yield Server(client, log)


def run_to_its_end(tree: Tree, **settings: str) -> tuple[int, str]:
    """Run a server that is meant to end by itself; its exit code and what it printed."""
    environ = serving_environ(tree.environ(), tree.paths, tree.algorithm, free_port())
    done = subprocess.run(
        [sys.executable, "-P", "-m", "handler.serve.command"],
        env=environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert survivors(tree) == []
    return done.returncode, done.stdout


def survivors(tree: Tree) -> list[str]:
    """The command lines of processes that still work on a tree's model."""
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        if str(tree.paths.model) in line:
            lines.append(line)
    return lines


def make_tree(root: Path) -> Tree:
    tree = Tree(root)
    tree.paths.model.mkdir(parents=True)
    tree.algorithm.folder.mkdir()
    return tree


def save_positional(model_dir: Path) -> None:
    """A classifier of two unnamed numeric columns: class 1 where the first is above 1."""
    X = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    model_dir.mkdir(parents=True, exist_ok=True)
    joblib.dump(DecisionTreeClassifier().fit(X, [0, 0, 1, 1]), model_dir / "model.joblib")


def save_mixed(model_dir: Path) -> None:
    """A classifier of two named columns, one text and one numeric, with a signature."""
    X = pd.DataFrame({"island": ["Dream", "Biscoe"] * 4, "mass": [1.0, 9.0] * 4})
    y = pd.Series(["small", "large"] * 4, name="size")
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["island"]), remainder="passthrough"
    )
    model = make_pipeline(encode, LogisticRegression()).fit(X, y)
    joblib.dump(model, model_dir / "model.joblib")
    save_signature(model, X, y, model_dir=model_dir)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A tree with an empty model folder."""
    return make_tree(tmp_path)


@pytest.fixture
def positional(tree: Tree) -> Tree:
    """A tree with the model of two unnamed columns."""
    save_positional(tree.paths.model)
    return tree
