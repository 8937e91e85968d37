"""The same through the real `serve`: a model of each kind, and strangers who ask at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from byo.endpoint import Client
from contract import save_signature
from tests.fidelity import models
from tests.serving.conftest import Server, make_tree, run_to_its_end, running

pytestmark = pytest.mark.slow

# A transformer of the training script's own that goes by the rows at hand.
SOURCE = """
import numpy as np
from sklearn.base import BaseEstimator


class Ranks(BaseEstimator):
    def fit(self, X, y=None):
        return self

    def predict(self, X):
        return (X[:, 0] - X[:, 0].min()) / (np.ptp(X[:, 0]) + 1)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A multi-model server without models."""
    tree = make_tree(tmp_path_factory.mktemp("kinds"))
    with running(tree, multi_model=True) as one:
        yield one


def load(server: Server, name: str, folder: Path) -> None:
    document = json.dumps({"model_name": name, "url": str(folder)}).encode()
    answer = server.client.request(
        "POST", "/models", document, {"Content-Type": "application/json"}
    )
    assert answer.status == 200, answer.body


def invoke(server: Server, name: str, body: Any, content_type: str) -> Any:
    sent = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    answer = server.client.invoke(sent, content_type, "application/json", target_model=name)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def test_a_model_of_each_kind(server: Server, tmp_path: Path) -> None:
    """Texts behind a union, text in an array, records, labels of years, unlike outputs."""
    texts = CalibratedClassifierCV(
        make_pipeline(make_union(TfidfVectorizer(), TfidfVectorizer()), LogisticRegression()), cv=2
    ).fit(models.TEXTS, models.OPINIONS)
    zips = np.array([["02134", "a"], ["10001", "b"]] * 4, dtype=object)
    encoded = make_pipeline(OneHotEncoder(handle_unknown="ignore"), DecisionTreeClassifier())
    encoded.fit(zips, ["x", "y"] * 4)
    records = make_pipeline(DictVectorizer(), DecisionTreeClassifier(random_state=0))
    records.fit(models.RECORDS, models.LABELS)
    years = pd.DataFrame(np.eye(2), columns=[2019, 2020])
    outputs = DecisionTreeClassifier().fit([[0], [1], [2]], [["a", "p"], ["b", "p"], ["c", "q"]])
    cases: dict[str, tuple[Any, Any, Any, str, Any]] = {
        "texts": (texts, None, "good fine film\nso sad\n", "text/csv", [1, 0]),
        "zips": (encoded, None, "02134,a\n10001,b\n", "text/csv", ["x", "y"]),
        "records": (
            records, None, models.RECORDS[:3], "application/json",
            records.predict(models.RECORDS[:3]).tolist(),
        ),
        "years": (
            DecisionTreeClassifier().fit(years, ["a", "b"]), years, "2020,2019\n0,1\n", "text/csv",
            ["a"],
        ),
        "outputs": (outputs, [[0], [1]], "[[0],[2]]", "application/json", [["a", "p"], ["c", "q"]]),
    }  # fmt: skip

    for name, (model, X, body, content_type, expected) in cases.items():
        folder = tmp_path / name
        folder.mkdir()
        joblib.dump(model, folder / "model.joblib")
        if X is not None:
            save_signature(model, X, model_dir=folder)
        load(server, name, folder)
        assert invoke(server, name, body, content_type) == expected


def test_strangers_rows_stay_apart(server: Server, tmp_path: Path) -> None:
    """Sixteen clients at once: each is answered as it is alone, and the log says why."""
    folder = tmp_path / "ranks"
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "inference.py").write_text(
        SOURCE + "def model_fn(model_dir):\n    return Ranks()\n"
    )
    load(server, "ranks", folder)

    def ask(number: int) -> Any:
        body = f"{number},0\n{number + 1},0\n".encode()
        with Client(server.client.url) as client:
            answer = client.invoke(body, "text/csv", "application/json", target_model="ranks")
        return json.loads(answer.body)

    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(ask, range(64)))

    assert answers == [[0.0, 0.5]] * 64
    assert "predicted for each request alone: inference.Ranks is not known" in (
        server.log.read_text()
    )


def test_a_booster_without_its_categories_ends_serve(tmp_path: Path) -> None:
    """With what is missing on the last line, before a request fails."""
    xgboost = pytest.importorskip("xgboost")
    tree = make_tree(tmp_path)
    codes = np.array([[0.1, 0], [0.2, 1], [0.3, 2], [0.4, 1]])
    matrix = xgboost.DMatrix(codes, [0, 1, 0, 1], feature_types=["float", "c"])
    joblib.dump(xgboost.train({}, matrix, 2), tree.paths.model / "model.joblib")

    code, output = run_to_its_end(tree)

    assert code != 0
    assert "call save_signature in the training script" in output.strip().splitlines()[-1]
