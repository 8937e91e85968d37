"""A single model that can't be served ends `serve`: soon, non-zero, the reason on the last line."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import joblib
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from contract import save_signature
from handler.serve.exit_codes import EXIT_CODES
from handler.serve.fork_server_process import ForkServerDied
from handler.serve.pick_free_port import free_port
from tests.serving.conftest import Tree, run_to_its_end, save_positional

pytestmark = pytest.mark.slow

CANNOT_SERVE = 4

FATAL_FIXTURES = [
    ("exits_on_import.py", "no licence"),
    ("dies_on_import.py", "exit code 9: the algorithm's own code ended it"),
    ("misses_an_import.py", "No module named 'absent_package' (inference.py:1)"),
    ("is_no_python.py", "SyntaxError"),
    ("raises_in_model_fn.py", "RuntimeError: the weights are gone (inference.py:2)"),
    ("takes_no_arguments.py", "predict_fn() must take 2 arguments"),
    ("runs_out_of_memory.py", "not enough memory"),
]
# What ends a load in ways that few expect, as the body of model_fn, and the end of the last line.
ENDS = [
    ("raise KeyboardInterrupt", "KeyboardInterrupt (inference.py:8)"),
    ("raise Mute('no')", "Mute: its message can't be written (inference.py:8)"),
    (r"raise Base('the weights\n are gone')", "Base: the weights are gone (inference.py:8)"),
    ("return model_fn(model_dir)", "RecursionError: maximum recursion depth exceeded"),
    ("os.kill(os.getpid(), 11)", "killed by SIGSEGV: native code crashed"),
    ("os.kill(os.getpid(), 9)", "killed by SIGKILL, perhaps for lack of memory"),
    ("return Odd()", "Base: asked for "),
]
HEADER = """import os
class Base(BaseException): pass
class Mute(Exception):
    def __str__(self): raise TypeError
class Odd:
    def __getattr__(self, name): raise Base(f'asked for {name}')
def model_fn(model_dir):
"""


@pytest.mark.parametrize(("fixture", "reason"), FATAL_FIXTURES)
def test_user_code_that_cannot_load(positional: Tree, fixture: str, reason: str) -> None:
    """Whatever the user's module does at load time, the last line says it."""
    code, output = run_to_its_end(positional.inference(fixture))

    assert reason in output.splitlines()[-1]
    assert code == CANNOT_SERVE


@pytest.mark.parametrize(("body", "reason"), ENDS)
def test_what_escapes_a_load_is_the_last_line(positional: Tree, body: str, reason: str) -> None:
    """Whatever user code raises, and however its process ends."""
    (positional.algorithm.folder / "inference.py").write_text(f"{HEADER}    {body}\n")

    code, output = run_to_its_end(positional)

    assert reason in output.splitlines()[-1]
    assert code == CANNOT_SERVE


def no_artifact(model_dir: Path) -> None:
    """An empty model folder."""


def no_folder(model_dir: Path) -> None:
    model_dir.rmdir()


def broken_artifact(model_dir: Path) -> None:
    (model_dir / "model.joblib").write_bytes(b"half a mod")


def broken_signature(model_dir: Path) -> None:
    save_positional(model_dir)
    (model_dir / "signature.json").write_text("{")


def foreign_signature(model_dir: Path) -> None:
    save_positional(model_dir)
    document = {"format": 1, "inputs": [], "versions": {"scikit-learn": "99.1"}}
    (model_dir / "signature.json").write_text(json.dumps(document))


def shadowing_file(model_dir: Path) -> None:
    save_positional(model_dir)
    (model_dir / "code").mkdir()
    (model_dir / "code" / "handler.py").touch()


def scaler_beside(model_dir: Path) -> None:
    save_positional(model_dir)
    joblib.dump(StandardScaler().fit([[0.0, 1.0]]), model_dir / "scaler.joblib")


def dangling_link(model_dir: Path) -> None:
    (model_dir / "model.joblib").symlink_to("/nonexistent/rf.joblib")


def module_lost(model_dir: Path) -> None:
    (model_dir / "model.pkl").write_bytes(b"cabsent_module\nThing\n.")


def no_model_at_all(model_dir: Path) -> None:
    joblib.dump({"weights": [1, 2]}, model_dir / "model.joblib")


def without_probabilities(model_dir: Path) -> None:
    model, X, y = LinearRegression(), [[0.0], [1.0]], [0.0, 1.0]
    joblib.dump(model.fit(X, y), model_dir / "model.joblib")
    save_signature(model, X, y, inference_output="probability", model_dir=model_dir)


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (no_folder, "there is no model directory"),
        (no_artifact, "no artifact"),
        (broken_artifact, "model.joblib can't be loaded"),
        (scaler_beside, "scaler.joblib holds a StandardScaler, which only a script of yours"),
        (dangling_link, "is a link to /nonexistent/rf.joblib, which is not there"),
        (module_lost, "The model was saved with the module absent_module: put it into code/"),
        (no_model_at_all, "a dict has neither predict nor transform"),
        (broken_signature, "signature.json can't be used"),
        (foreign_signature, "scikit-learn==99.1"),
        (shadowing_file, "rename it"),
        (without_probabilities, "SAGEMAKER_INFERENCE_OUTPUT counts before it), and a LinearReg"),
    ],
)
def test_a_model_folder_that_cannot_be_served(tree: Tree, prepare, reason: str) -> None:
    """Whatever is wrong with the model folder, the last line says it."""
    prepare(tree.paths.model)

    code, output = run_to_its_end(tree)

    assert reason in output.splitlines()[-1]
    assert code == CANNOT_SERVE


@pytest.mark.parametrize(
    ("settings", "code", "reason"),
    [
        ({"SAGEMAKER_BIND_TO_PORT": "99999"}, 2, "SAGEMAKER_BIND_TO_PORT"),
        ({"SAGEMAKER_INFERENCE_OUTPUT": "both"}, 2, "must be one or several of predicted_label"),
        ({"SAGEMAKER_PROGRAM": "absent.py"}, 4, "SAGEMAKER_PROGRAM names absent.py"),
        ({"SAGEMAKER_MODEL_SERVER_VMARGS": "-XX:NoSuchFlag"}, 5, "the frontend ended by itself"),
    ],
)
def test_settings_that_cannot_be_used(
    positional: Tree, settings: dict[str, str], code: int, reason: str
) -> None:
    """A setting is named, and each kind of end has its own exit code."""
    ended, output = run_to_its_end(positional, **settings)

    assert reason in output.splitlines()[-1]
    assert ended == code


def test_a_port_that_is_taken(positional: Tree) -> None:
    """The port is named, before a JVM is started."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        code, output = run_to_its_end(positional, SAGEMAKER_BIND_TO_PORT=str(port))

    assert code == 2
    assert f"port {port}" in output.splitlines()[-1]


def test_a_fork_server_that_can_not_live(positional: Tree) -> None:
    """What a module does at its import that is to be shared: the reason is the log's last line."""
    (positional.root / "ends_at_once.py").write_text("import os\nos._exit(3)\n")

    code, output = run_to_its_end(
        positional, PYTHONPATH=str(positional.root), BYO_PRELOAD="ends_at_once"
    )

    assert "ended as soon as it was started: exit code 3" in output.splitlines()[-1]
    assert code == EXIT_CODES[ForkServerDied]
