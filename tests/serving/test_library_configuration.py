"""Models that were fitted under a global configuration of scikit-learn."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from contract import load_signature
from tests.serving.backend.processes import eventually
from tests.serving.conftest import Tree, make_tree, run_to_its_end, running, save_positional
from tests.serving.test_multi_model import invoke, load

pytestmark = pytest.mark.slow

TRAIN = """
import sys
import joblib, numpy as np, pandas as pd, sklearn
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from contract import save_signature
sys.path.insert(0, sys.argv[2])
sklearn.set_config({configuration})
X = pd.DataFrame({{"a": [1.0, 2.0, 3.0, 4.0], "b": [4.0, 1.0, 3.0, 2.0]}})
y = X["a"] * 2
chosen = ColumnTransformer([("a", "passthrough", ["a"])])
model = {model}
model.fit(X, y)
joblib.dump(model, sys.argv[1] + "/model.joblib")
if {signature}:
    save_signature(model, X, y, model_dir=sys.argv[1])
print(round(float(model.predict(X)[0]), 6))
"""
PANDAS = "transform_output='pandas'"
CHOOSES = "make_pipeline(StandardScaler(), chosen, LinearRegression())"
SEARCHED = f"GridSearchCV({CHOOSES}, {{}}, cv=2)"
OWN = "make_pipeline(StandardScaler(), steps.ByName(), LinearRegression())"
STEPS = """
from sklearn.base import BaseEstimator, TransformerMixin

class ByName(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self
    def transform(self, X):
        return X[["a"]] if hasattr(X, "columns") else X.columns
    def __sklearn_is_fitted__(self):
        return True
"""
ROW = '[{"a": 1, "b": 4}]'


def train(
    folder: Path, code: Path, model: str, configuration: str = PANDAS, *, signature: bool = True
) -> float:
    """Fit and save in a process of its own, whose configuration ends with it; its first answer."""
    folder.mkdir(parents=True, exist_ok=True)
    (code / "steps.py").write_text(STEPS)
    text = TRAIN.format(configuration=configuration, model=model, signature=signature)
    text = text.replace("sklearn.set_config", "import steps\nsklearn.set_config")
    command = [sys.executable, "-P", "-c", text, str(folder), str(code)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return float(done.stdout)


@pytest.mark.parametrize(
    ("model", "signature", "backend"),
    [
        (CHOOSES, True, "own"),
        (OWN, True, "stock"),
        (CHOOSES, False, "own"),
        (SEARCHED, False, "shared"),
    ],
)
def test_the_model_answers_as_in_training(
    tree: Tree, model: str, signature: bool, backend: str
) -> None:
    """By what the signature keeps, and without one by what the fitted pipeline shows."""
    expected = train(tree.paths.model, tree.algorithm.folder, model, signature=signature)

    with running(tree, BYO_BACKEND=backend, MODEL_SERVER_WORKERS="1") as server:
        answer = server.post(ROW, "application/json")
        eventually(lambda: "transform_output" in server.log.read_text())

    assert answer.status == 200, answer.body
    assert [round(value, 6) for value in json.loads(answer.body)] == [expected]


def test_what_nothing_shows_is_ours_and_named_in_the_log(tree: Tree) -> None:
    """A step of the user's own that wants data frames, and no signature: no fault of a caller's."""
    train(tree.paths.model, tree.algorithm.folder, OWN, signature=False)

    with running(tree, MODEL_SERVER_WORKERS="1") as server:
        answer = server.post(ROW, "application/json")
        asked = "did training call sklearn.set_config(transform_output=…)?"
        eventually(lambda: asked in server.log.read_text())  # the frontend passes it on

    assert answer.status == 500


def test_one_models_configuration_is_not_anothers(tmp_path: Path) -> None:
    """Not in a host for many models, either."""
    tree = make_tree(tmp_path)
    train(tmp_path / "pandas", tree.algorithm.folder, CHOOSES)
    save_positional(tmp_path / "plain")
    (tmp_path / "plain" / "code").mkdir()
    for backend in ("own", "shared"):
        source = (
            "import sklearn\n"
            "def predict_fn(d, m): return [str(sklearn.get_config()['transform_output'])]"
        )
        (tree.algorithm.folder / "inference.py").write_text("")
        (tmp_path / "plain" / "code" / "inference.py").write_text(source)
        with running(tree, multi_model=True, BYO_BACKEND=backend) as server:
            assert load(server, "pandas", tmp_path / "pandas") == 200
            assert load(server, "plain", tmp_path / "plain") == 200
            assert invoke(server, "plain") == (200, b"default\n")
            assert invoke(server, "pandas", b"1,4\n")[0] == 200


@pytest.mark.parametrize(
    ("configuration", "kept"),
    [
        (PANDAS, {"transform_output": "pandas"}),
        ("enable_metadata_routing=True", {"enable_metadata_routing": True}),
        ("assume_finite=True", {"assume_finite": True}),
        ("display='text', working_memory=64", {}),
        ("", {}),
    ],
)
def test_the_signature_keeps_what_training_changed(
    tmp_path: Path, configuration: str, kept: dict[str, object]
) -> None:
    """And not what concerns only the place where training ran."""
    train(
        tmp_path / "m",
        tmp_path,
        "make_pipeline(StandardScaler(), LinearRegression())",
        configuration,
    )

    signature = load_signature(tmp_path / "m")

    assert signature is not None
    assert signature.configuration == kept


def test_data_frames_of_a_package_that_is_missing(positional: Tree) -> None:
    """The server says at once what the model needs."""
    document = {"format": 1, "inputs": [], "configuration": {"transform_output": "polars"}}
    (positional.paths.model / "signature.json").write_text(json.dumps(document))
    if importlib.util.find_spec("polars"):
        pytest.skip("polars is installed")

    code, output = run_to_its_end(positional)

    assert code == 4
    assert "polars is not installed: name it in requirements.txt" in output.splitlines()[-1]
