"""Every class of scikit-learn that can answer, each made so that it can be fitted."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn import linear_model, preprocessing, tree
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.utils import all_estimators

PARAMETERS: dict[str, dict[str, Any]] = {
    "SparseCoder": {"dictionary": np.eye(4)},
    "FeatureHasher": {"n_features": 8},
    "HashingVectorizer": {"n_features": 8},
    "ColumnTransformer": {"transformers": [("scaled", preprocessing.StandardScaler(), [0, 1])]},
    "FeatureUnion": {"transformer_list": [("scaled", preprocessing.StandardScaler())]},
    "Pipeline": {
        "steps": [
            ("scaled", preprocessing.StandardScaler()),
            ("model", linear_model.LogisticRegression()),
        ]
    },
    "GaussianRandomProjection": {"n_components": 2},
    "SparseRandomProjection": {"n_components": 2},
    "HistGradientBoostingClassifier": {"max_iter": 10},
    "HistGradientBoostingRegressor": {"max_iter": 10},
    "LocalOutlierFactor": {"novelty": True},
    "RANSACRegressor": {"estimator": linear_model.LinearRegression()},
    "SelfTrainingClassifier": {"estimator": tree.DecisionTreeClassifier()},
    "LabelPropagation": {"gamma": 0.5},
    "GridSearchCV": {"param_grid": {"max_depth": [1, 3]}},
    "HalvingGridSearchCV": {"param_grid": {"max_depth": [1, 3]}},
    "RandomizedSearchCV": {"param_distributions": {"max_depth": [1, 3]}, "n_iter": 2},
    "HalvingRandomSearchCV": {"param_distributions": {"max_depth": [1, 3]}},
    # How well it has been fitted is not what is tested: 1,000 steps take a minute.
    "DictionaryLearning": {"max_iter": 20},
    "MiniBatchDictionaryLearning": {"max_iter": 20},
    "NMF": {"n_components": 2},
    "MiniBatchNMF": {"n_components": 2},
    "RandomForestClassifier": {"n_estimators": 20},
    "SVC": {"gamma": 2.0},
    "RadiusNeighborsClassifier": {"radius": 9.0},
    "RadiusNeighborsRegressor": {"radius": 9.0},
}
HAVE_PARTS = ("BaggingClassifier", "BaggingRegressor", "CalibratedClassifierCV")
FOR_TARGETS = ("LabelEncoder", "LabelBinarizer", "MultiLabelBinarizer")


def estimators() -> dict[str, type]:
    """Every class of scikit-learn that can answer, by its name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            name: kind
            for name, kind in all_estimators()
            if hasattr(kind, "predict") or hasattr(kind, "transform") or name == "FrozenEstimator"
        }


ALL = estimators()


def made(name: str) -> Any:
    """An estimator of this class that can be fitted."""
    kind = ALL[name]
    parameters = dict(PARAMETERS.get(name, {}))
    if name == "FrozenEstimator":
        return kind(linear_model.LogisticRegression().fit(np.eye(4), [0, 1, 2, 0]))
    if "estimators" in (accepted := _parameters_of(kind)):
        parts = tree.DecisionTreeClassifier if "Classifier" in name else tree.DecisionTreeRegressor
        parameters["estimators"] = [("a", parts(max_depth=2)), ("b", parts())]
    elif "estimator" in accepted and "estimator" not in parameters and name not in HAVE_PARTS:
        regresses = "Regressor" in name
        parts = tree.DecisionTreeRegressor if regresses else tree.DecisionTreeClassifier
        parameters["estimator"] = parts(max_depth=3)
    if "n_estimators" in accepted:
        parameters.setdefault("n_estimators", 5)
    return kind(**parameters)


def _parameters_of(kind: type) -> list[str]:
    return list(kind.__init__.__code__.co_varnames) if hasattr(kind.__init__, "__code__") else []
