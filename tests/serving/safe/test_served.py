"""Pins, signatures and formats of models, by the real server."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import joblib
import pytest
from sklearn.linear_model import LogisticRegression
from skops import io

from contract.model_pins import FILE_NAME, write_pins
from tests.serving.conftest import FIXTURES, Tree, run_to_its_end, running, save_positional
from tests.serving.test_multi_model import invoke, load

pytestmark = pytest.mark.slow

SIGNED = FIXTURES / "signed_models"


def save_skops(folder: Path, *, above: float = 1.0) -> None:
    """A pinned classifier of two columns: 1 where the first is above."""
    folder.mkdir()
    X = [[above + step, 0.0] for step in (-2, -1, 1, 2)]
    io.dump(LogisticRegression().fit(X, [0, 0, 1, 1]), folder / "model.skops")
    write_pins(folder)


@pytest.mark.parametrize("backend", ["own", "shared"])
def test_many_models(tree: Tree, backend: str) -> None:
    """Each is held against its own pins at each LOAD; the others go on."""
    good, changed, pickled = (tree.root / name for name in ("good", "changed", "pickled"))
    save_skops(good)
    save_skops(changed)
    shutil.copy(good / "model.skops", changed / "model.skops")
    with (changed / "model.skops").open("ab") as file:
        file.write(b"x")
    pickled.mkdir()
    joblib.dump(LogisticRegression().fit([[0, 0], [3, 0]], [0, 1]), pickled / "model.joblib")

    settings = {"BYO_BACKEND": backend, "BYO_MODEL_FORMATS": "skops", "BYO_PRELOAD": "skops.io"}
    with running(tree, multi_model=True, **settings) as server:
        loads = [load(server, one.name, one) for one in (good, changed, pickled)]
        first = invoke(server, "good")
        write_pins(changed)
        again = load(server, "changed", changed)

    log = server.log.read_text()
    assert loads == [200, 500, 500], log
    assert first == (200, b"1\n")
    assert f"{changed} is not as {FILE_NAME} has it (changed: model.skops)" in log
    assert "BYO_MODEL_FORMATS allows skops alone, and" in log
    assert again == 200, log


def test_a_key_by_a_relative_path(tree: Tree) -> None:
    """Hosts work in the model's folder, and find it all the same; the model answers."""
    shutil.copytree(SIGNED / "model", tree.paths.model, dirs_exist_ok=True)
    shutil.copy(SIGNED / "p256.sig", tree.paths.model / "model.sig")
    key = os.path.relpath(SIGNED / "p256.pub")

    with running(tree, BYO_MODEL_KEY=key, MODEL_SERVER_WORKERS="1") as server:
        answer = server.post("1,0\n3,0\n", Accept="text/csv")

    assert (answer.status, answer.body) == (200, b"0\n1\n")
    assert "model.sig signs the 2 files of the model" in server.log.read_text()


@pytest.mark.parametrize(
    ("settings", "code", "told"),
    [
        ({}, 4, f"is not as {FILE_NAME} has it (changed: model.joblib)"),
        ({"BYO_BACKEND": "stock"}, 4, f"is not as {FILE_NAME} has it (changed: model.joblib)"),
        (
            {
                "BYO_BACKEND": "stock",
                "SAGEMAKER_MULTI_MODEL": "true",
                "BYO_MODEL_FORMATS": "skops",
            },
            2,
            "BYO_MODEL_FORMATS needs a BYO_BACKEND that looks at a folder before",
        ),
        ({"BYO_MODEL_PINS": "off", "BYO_MODEL_FORMATS": "skops"}, 4, "skops alone"),
        ({"BYO_MODEL_KEY": str(SIGNED / "p256.pub")}, 4, "has no model.sig"),
        ({"BYO_MODEL_KEY": "/nowhere"}, 2, "BYO_MODEL_KEY names /nowhere, which can't be read"),
        ({"BYO_MODEL_FORMATS": "onnx"}, 2, "BYO_MODEL_FORMATS must be some of joblib, pickle, "),
    ],
)
def test_why_a_single_model_is_not_served(
    tree: Tree, settings: dict[str, str], code: int, told: str
) -> None:
    """It is the last line of the log."""
    save_positional(tree.paths.model)
    write_pins(tree.paths.model)
    joblib.dump(LogisticRegression(), tree.paths.model / "model.joblib")

    ended, output = run_to_its_end(tree, **settings)

    assert (ended, told in output.splitlines()[-1]) == (code, True), output
