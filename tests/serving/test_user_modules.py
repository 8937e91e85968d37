"""Models whose pickles refer to users' modules and to the training script's ``__main__``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.conftest import Server, Tree, make_tree, run_to_its_end, running
from tests.serving.test_multi_model import invoke, load

pytestmark = pytest.mark.slow

SQUARER = """
from sklearn.base import BaseEstimator, TransformerMixin

class Squarer(TransformerMixin, BaseEstimator):
    power = {power}
    def fit(self, X, y=None):
        return self
    def transform(self, X):
        return X ** self.power
    class Inner(BaseEstimator):
        def fit(self, X, y=None):
            return self
        def transform(self, X):
            return X ** 2

def square(X):
    return X ** 2
"""
PLAIN = SQUARER.format(power=2)
TRAIN = """
import sys
import joblib
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
{code}
{guard}
    X = np.arange(6.0).reshape(-1, 1)
    joblib.dump(make_pipeline({step}, LinearRegression()).fit(X, X[:, 0] ** 2), sys.argv[1])
"""
GUARD = 'if __name__ == "__main__":'
IMPORTED = "from features import Squarer, square"
# One row of 3, whose square is 9.
ROW, SQUARE = "3\n", 9.0


def train(folder: Path, model_dir: Path, code: str, step: str = "Squarer()") -> None:
    """Run a training script in a folder, as the script of a job runs: as ``__main__``."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "train.py"
    text = TRAIN.format(code=code, guard=GUARD, step=step)
    script.write_text(text)
    model_dir.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(script), str(model_dir / "model.joblib")]
    subprocess.run(command, check=True, timeout=60)


def answer(server: Server) -> float:
    response = server.post(ROW)
    assert response.status == 200, response.body
    [value] = json.loads(response.body)
    return round(value, 6)


def place(tree: Tree, where: str) -> Path:
    """A folder of user code, by what names it."""
    folder = {
        "algorithm": tree.algorithm.folder,
        "model": tree.paths.model / "code",
        "submitted": tree.root / "submitted",
        "root": tree.paths.model,
        "lib": tree.paths.model / "code" / "lib",
        "src": tree.algorithm.folder / "src",
    }[where]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def environ(tree: Tree) -> dict[str, str]:
    return {"SAGEMAKER_SUBMIT_DIRECTORY": str(tree.root / "submitted")}


@pytest.mark.parametrize(
    ("where", "inference"),
    [
        ("algorithm", "none"),
        ("model", "none"),
        ("submitted", "none"),
        ("model", "algorithm"),
        ("root", "none"),
        ("lib", "none"),
        ("src", "algorithm"),
    ],
)
def test_a_helper_module_is_found_wherever_code_may_lie(
    tree: Tree, where: str, inference: str
) -> None:
    """With an inference.py elsewhere, or with none at all."""
    (place(tree, where) / "features.py").write_text(PLAIN)
    train(place(tree, where), tree.paths.model, IMPORTED)
    (place(tree, where) / "train.py").unlink()
    if inference == "algorithm":
        (place(tree, "algorithm") / "inference.py").touch()

    with running(tree, MODEL_SERVER_WORKERS="1", **environ(tree)) as server:
        assert answer(server) == SQUARE


@pytest.mark.parametrize("backend", ["own", "shared", "stock"])
def test_models_of_a_multi_model_endpoint_keep_their_modules_apart(
    tmp_path: Path, backend: str
) -> None:
    """Two modules of one name, without an inference.py."""
    tree = make_tree(tmp_path)
    for name, power in (("two", 2), ("three", 3)):
        code = tmp_path / name / "code"
        code.mkdir(parents=True)
        (code / "features.py").write_text(SQUARER.format(power=power))
        train(code, tmp_path / name, IMPORTED)
    expected = json.loads  # of what each model says of 3, fitted on squares

    with running(tree, multi_model=True, BYO_BACKEND=backend) as server:
        assert [load(server, name, tmp_path / name) for name in ("two", "three")] == [200, 200]
        answers = [invoke(server, name, b"3\n") for name in ("two", "three", "two")]

    assert [status for status, _ in answers] == [200] * 3
    two, three, again = (expected(body) for _, body in answers)
    assert round(two, 6) == round(again, 6) == SQUARE
    assert round(three, 6) != SQUARE


LENT = [
    ("Squarer()", "from train import Squarer"),
    ("Squarer()", ""),  # nothing but the script, under its guard
    ("FunctionTransformer(square)", None),  # no inference.py at all
    ("Squarer.Inner()", None),
]


@pytest.mark.parametrize(("step", "inference"), LENT)
def test_what_the_training_script_defined_is_found(
    tree: Tree, step: str, inference: str | None
) -> None:
    """Where the user's module imports it, and else in the script, whose training is guarded."""
    train(tree.algorithm.folder, tree.paths.model, PLAIN, step)
    if inference is not None:
        (tree.algorithm.folder / "inference.py").write_text(inference)

    with running(tree, MODEL_SERVER_WORKERS="1") as server:
        assert answer(server) == SQUARE


@pytest.mark.parametrize(
    ("backend", "when"),
    [
        ("own", "in model_fn"),
        ("own", "on import"),
        ("stock", "by default"),
        ("stock", "in model_fn"),
    ],
)
def test_on_every_backend_and_in_users_own_functions(tree: Tree, backend: str, when: str) -> None:
    """Also where the user's module loads the model by itself, even while it is imported."""
    train(tree.algorithm.folder, tree.paths.model, PLAIN)
    artifact = tree.paths.model / "model.joblib"
    source = {
        "by default": "from train import Squarer",
        "in model_fn": (
            "import joblib\nfrom train import Squarer\n"
            "def model_fn(model_dir): return joblib.load(model_dir + '/model.joblib')"
        ),
        "on import": (
            f"import joblib\nfrom train import Squarer\nMODEL = joblib.load({str(artifact)!r})\n"
            "def model_fn(model_dir): return MODEL"
        ),
    }[when]
    (tree.algorithm.folder / "inference.py").write_text(source)

    with running(tree, BYO_BACKEND=backend, MODEL_SERVER_WORKERS="1") as server:
        assert answer(server) == SQUARE


def test_names_of_the_server_do_not_stand_in_the_way(tree: Tree) -> None:
    """A user's function has the name of one that the server's own ``__main__`` has."""
    code = "def main(X):\n    return X ** 2\ngc = main"
    train(tree.algorithm.folder, tree.paths.model, code, "FunctionTransformer(main)")

    with running(tree, MODEL_SERVER_WORKERS="1") as server:
        assert answer(server) == SQUARE


def test_cloudpickled_parts_and_parallel_predictions(tree: Tree) -> None:
    """What joblib's processes are to get again, by value and by reference."""
    code = PLAIN + (
        "from joblib import wrap_non_picklable_objects, Parallel, delayed\n"
        "cube = wrap_non_picklable_objects(lambda X: square(X))\n"
        "def spread(X):\n"
        "    return np.vstack(Parallel(n_jobs=2)(delayed(square)(row) for row in X))\n"
    )
    step = "FunctionTransformer(spread), FunctionTransformer(np.sqrt), FunctionTransformer(cube)"
    train(tree.algorithm.folder, tree.paths.model, code, step)

    with running(tree, MODEL_SERVER_WORKERS="1") as server:
        assert answer(server) == SQUARE


def test_says_what_to_do_where_it_is_not_found(tree: Tree) -> None:
    """A script that would train again is not imported; the last line says what to do."""
    train(tree.algorithm.folder, tree.paths.model, PLAIN)
    script = TRAIN.format(code=PLAIN, guard="if True:", step="Squarer()")
    (tree.algorithm.folder / "train.py").write_text(script)

    code, output = run_to_its_end(tree)

    assert code == 4
    assert (
        "train.py defines Squarer, and to import it would train again (line"
        in (output.splitlines()[-1])
    )


@pytest.mark.parametrize("backend", ["own", "shared", "stock"])
def test_an_inference_module_beside_the_artifact_counts(tree: Tree, backend: str) -> None:
    """As in AWS's images; before the algorithm's, and with the model's folder in a variable."""
    train(tree.root / "job", tree.paths.model, "", "FunctionTransformer(np.square)")
    source = "import os\ndef predict_fn(data, model): return [os.environ['SM_MODEL_DIR']]"
    (tree.paths.model / "inference.py").write_text(source)
    (tree.algorithm.folder / "inference.py").write_text("def predict_fn(data, model): return [0]")

    with running(tree, MODEL_SERVER_WORKERS="1", BYO_BACKEND=backend) as server:
        answered = json.loads(server.post(ROW).body)

    assert answered == [str(tree.paths.model)]
