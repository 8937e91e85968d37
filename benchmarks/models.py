"""The models that are served, each in an /opt/ml tree of its own, with requests and their answers.

Every tree serves all stacks: `signature.json` is what a training script leaves for ours, and
`toolkit_inference.py` is the user code without which sagemaker-inference serves nothing.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.stacks.programs import probabilities_inference
from contract import Paths, save_signature

ROWS = 32
LARGE_ROWS = 50_000
# Under another name than `inference.py`, which would be ours', too, and stand for its defaults.
TOOLKIT_FILE = "toolkit_inference.py"
PENGUINS = Path(__file__).parents[1] / "algorithm/sample/input/data/training/penguins.csv"
NUMBERS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
CATEGORIES = ["island", "sex"]


@dataclass(frozen=True)
class Model:
    """A model that can be served, and what to ask it.

    Args:
        name: what it is called.
        paths: the tree whose model directory holds it.
        bodies: CSV of one row each.
        answers: the label that each is answered with.
        large: one body of LARGE_ROWS rows, by its content type.
        large_answer: its labels, one a line.
    """

    name: str
    paths: Paths
    bodies: tuple[str, ...]
    answers: tuple[str, ...]
    large: Mapping[str, bytes] = field(default_factory=dict)
    large_answer: bytes = b""

    def copy(self, folder: Path) -> Path:
        """Put another model directory like this one's where it says."""
        return Path(shutil.copytree(self.paths.model, folder))


def iris() -> tuple[Any, Any, Any]:
    X, y = load_iris(return_X_y=True)
    return make_pipeline(StandardScaler(), LogisticRegression()), X, y


def forest() -> tuple[Any, Any, Any]:
    X, y = make_classification(2_000, 20, n_informative=10, random_state=0)
    return RandomForestClassifier(n_estimators=100, random_state=0), X, y


def boosting() -> tuple[Any, Any, Any]:
    X, y = make_classification(5_000, 50, n_informative=20, n_classes=3, random_state=0)
    return HistGradientBoostingClassifier(random_state=0), X, y


def xgboost() -> tuple[Any, Any, Any]:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=100), *boosting()[1:]


def lightgbm() -> tuple[Any, Any, Any]:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=100, verbose=-1), *boosting()[1:]


def catboost() -> tuple[Any, Any, Any]:
    from catboost import CatBoostClassifier

    return CatBoostClassifier(iterations=100, verbose=0, allow_writing_files=False), *boosting()[1:]


def xgboost_booster() -> tuple[Any, Any, Any]:
    from xgboost import XGBRegressor

    return XGBRegressor(n_estimators=100), *boosting()[1:]


def lightgbm_booster() -> tuple[Any, Any, Any]:
    from lightgbm import LGBMRegressor

    return LGBMRegressor(n_estimators=100, verbose=-1), *boosting()[1:]


def penguins() -> tuple[Any, Any, Any]:
    """The algorithm that this project comes with: named columns of numbers and texts."""
    return _on_penguins(LogisticRegression(max_iter=1000))


def penguins_forest() -> tuple[Any, Any, Any]:
    return _on_penguins(RandomForestClassifier(n_estimators=100, random_state=0))


def _on_penguins(predictor: Any) -> tuple[Any, Any, Any]:
    data = pd.read_csv(PENGUINS)
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMBERS),
        (OneHotEncoder(handle_unknown="ignore"), CATEGORIES),
    )
    return make_pipeline(columns, predictor), data[CATEGORIES + NUMBERS], data["species"]


def table() -> tuple[Any, Any, Any]:
    X, y = make_classification(LARGE_ROWS, 20, n_informative=10, random_state=0)
    return make_pipeline(StandardScaler(), LogisticRegression()), X, y


# What a user wrote for AWS's images, beside the model: `code/` is where those and ours look.
SCRIPTS = {"script": Path(probabilities_inference.__file__)}
MODELS: dict[str, Callable[[], tuple[Any, Any, Any]]] = {
    "iris": iris,
    "forest": forest,
    "boosting": boosting,
    "xgboost": xgboost,
    "xgboost-booster": xgboost_booster,
    "lightgbm": lightgbm,
    "lightgbm-booster": lightgbm_booster,
    "catboost": catboost,
    "penguins": penguins,
    "penguins-forest": penguins_forest,
    "script": forest,
    "table": table,
}
# Saved without the class around them.
BARE: dict[str, Callable[[Any], Any]] = {
    "xgboost-booster": lambda model: model.get_booster(),
    "lightgbm-booster": lambda model: model.booster_,
}


def make(name: str, root: Path) -> Model:
    """Fit one of MODELS and save it in a tree under a folder."""
    estimator, X, y = MODELS[name]()
    X = X.round(4)
    estimator.fit(X, y)
    paths = Paths(root / name)
    paths.model.mkdir(parents=True)
    saved = BARE[name](estimator) if name in BARE else estimator
    joblib.dump(saved, paths.model / "model.joblib")
    save_signature(saved, X, y, model_dir=paths.model)
    if name in SCRIPTS:
        shutil.copy(SCRIPTS[name], paths.model / TOOLKIT_FILE)
        (paths.model / "code").mkdir()
        shutil.copy(SCRIPTS[name], paths.model / "code/inference.py")
    chosen = np.linspace(0, len(X) - 1, ROWS).astype(int)
    sample = X.iloc[chosen] if isinstance(X, pd.DataFrame) else X[chosen]
    large = X if len(X) == LARGE_ROWS else X[:0]
    return Model(
        name,
        paths,
        tuple(_csv(sample[at : at + 1]) for at in range(ROWS)),
        tuple(str(label) for label in estimator.predict(sample).ravel().tolist()),
        _large(large) if len(large) else {},
        b"".join(b"%d\n" % label for label in estimator.predict(large)) if len(large) else b"",
    )


def _large(rows: np.ndarray) -> dict[str, bytes]:
    npy, parquet = io.BytesIO(), io.BytesIO()
    np.save(npy, rows)
    pd.DataFrame(rows, columns=[f"x{at}" for at in range(rows.shape[1])]).to_parquet(parquet)
    return {
        "text/csv": _csv(rows).encode(),
        "application/x-npy": npy.getvalue(),
        "application/vnd.apache.parquet": parquet.getvalue(),
    }


def _csv(rows: Any) -> str:
    if isinstance(rows, pd.DataFrame):
        return rows.to_csv(header=False, index=False)
    return "".join(",".join(f"{value:.4f}" for value in row) + "\n" for row in rows)
