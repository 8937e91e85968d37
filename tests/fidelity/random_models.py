"""Models put together by chance from all that scikit-learn has, with what they are fitted on."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn import (
    calibration,
    compose,
    ensemble,
    frozen,
    impute,
    linear_model,
    model_selection,
    multiclass,
    multioutput,
    pipeline,
    preprocessing,
    semi_supervised,
    tree,
)
from sklearn.base import is_classifier, is_regressor
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer

from tests.fidelity import models
from tests.fidelity.every_estimator import ALL, FOR_TARGETS, made

# Those that take something else than columns of numbers, or too long.
_ODD = {
    *FOR_TARGETS, "FrozenEstimator", "Pipeline", "ColumnTransformer", "FeatureUnion",
    "CountVectorizer", "TfidfVectorizer", "HashingVectorizer", "DictVectorizer", "FeatureHasher",
    "PatchExtractor", "KernelCenterer", "SparseCoder", "IsotonicRegression",
    "DictionaryLearning", "MiniBatchDictionaryLearning", "SparsePCA", "MiniBatchSparsePCA",
    "GaussianProcessClassifier", "QuantileRegressor", "TheilSenRegressor",
    "HalvingRandomSearchCV", "HalvingGridSearchCV", "RandomizedSearchCV",
    "SequentialFeatureSelector", "LatentDirichletAllocation", "GammaRegressor",
    "AdditiveChi2Sampler",  # computes otherwise of whole numbers, and of zeros that are written out
}  # fmt: skip
TRANSFORMERS = [
    name
    for name, kind in ALL.items()
    if hasattr(kind, "transform") and name not in _ODD and not hasattr(kind, "predict")
]
PREDICTORS = [name for name, kind in ALL.items() if hasattr(kind, "predict") and name not in _ODD]
# What a classifier's labels may be.
LABELS: dict[str, Callable[[Any], Any]] = {
    "texts": lambda at: np.array(["low", "middle", "high"])[at],
    "objects": lambda at: np.array(["низко", "", 'x,y "z"'], dtype=object)[at],
    "whole": lambda at: at - 1,
    "figures": lambda at: at.astype(float),
    "truths": lambda at: at > 0,
    "two": lambda at: np.where(at > 0, "yes", "no"),
    "numbers of two": lambda at: (at > 0).astype(int),
    "one": lambda at: np.full(len(at), "only"),
    "small": lambda at: at.astype(np.int8),
    "series": lambda at: pd.Series(at, name="kind").map({0: "a", 1: "b", 2: "c"}),
    "categories": lambda at: pd.Series(pd.Categorical.from_codes(at, ["a", "b", "c"])),
    "several": lambda at: np.column_stack([at > 0, at > 1]).astype(int),
    "several kinds": lambda at: np.column_stack([np.array(["a", "b", "c"])[at], at > 0]),
}
TARGETS: dict[str, Callable[[Any], Any]] = {
    "figures": lambda y: y,
    "column": lambda y: y.reshape(-1, 1),
    "columns": lambda y: np.column_stack([y, -y / 3]),
    "frame": lambda y: pd.DataFrame({"a b": y, "c": y * 2}),
    "float32": lambda y: y.astype(np.float32),
    "whole": lambda y: np.round(y).astype(int),
}


@dataclass(frozen=True)
class Drawn:
    """A fitted model, what it was fitted on, and what it is made of."""

    model: Any
    X: Any
    how: str
    described: str


class _Draw:
    """The choices of one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = np.random.default_rng(seed)

    def one(self, among: Any) -> Any:
        among = list(among)
        return among[self.chance.integers(len(among))]

    def rarely(self, share: float) -> bool:
        return bool(self.chance.random() < share)

    def predictor(self) -> Any:
        predictor = made(self.one(PREDICTORS))
        if self.rarely(0.6):
            return predictor
        return self._within(predictor)

    def _within(self, part: Any) -> Any:
        """A model of models around a predictor."""
        sure = tree.DecisionTreeClassifier(max_depth=2, random_state=0)
        if is_classifier(part):
            return self.one([
                lambda: calibration.CalibratedClassifierCV(part, cv=2),
                lambda: ensemble.BaggingClassifier(part, n_estimators=2, random_state=0),
                lambda: ensemble.VotingClassifier([("a", part), ("b", sure)]),
                lambda: ensemble.StackingClassifier([("a", part), ("b", sure)], cv=2),
                lambda: multiclass.OneVsRestClassifier(part),
                lambda: multiclass.OneVsOneClassifier(part),
                lambda: multiclass.OutputCodeClassifier(part, random_state=0),
                lambda: multioutput.MultiOutputClassifier(part),
                lambda: multioutput.ClassifierChain(part),
                lambda: model_selection.GridSearchCV(part, {}, cv=2),
                lambda: model_selection.TunedThresholdClassifierCV(part, cv=2),
                lambda: model_selection.FixedThresholdClassifier(part, threshold=0.4),
                lambda: semi_supervised.SelfTrainingClassifier(part),
                lambda: ensemble.AdaBoostClassifier(part, n_estimators=2),
            ])()  # fmt: skip
        if is_regressor(part):
            return self.one([
                lambda: compose.TransformedTargetRegressor(part, func=np.negative,
                                                           inverse_func=np.negative),
                lambda: compose.TransformedTargetRegressor(
                    part, transformer=preprocessing.MinMaxScaler()),
                lambda: ensemble.BaggingRegressor(part, n_estimators=2, random_state=0),
                lambda: ensemble.VotingRegressor([("a", part), ("b", linear_model.Ridge())]),
                lambda: ensemble.StackingRegressor([("a", part)], cv=2),
                lambda: multioutput.MultiOutputRegressor(part),
                lambda: multioutput.RegressorChain(part),
                lambda: model_selection.GridSearchCV(part, {}, cv=2),
            ])()  # fmt: skip
        return part

    def transformer(self, deep: int = 2) -> Any:
        if deep and self.rarely(0.15):
            parts = [self.transformer(deep - 1) for _ in range(2)]
            return pipeline.make_union(*parts)
        step = made(self.one(TRANSFORMERS))
        if self.rarely(0.1) and hasattr(step, "set_output"):
            step.set_output(transform="pandas")
        return step

    def of_numbers(self) -> Any:
        """Steps for a table of numbers, with a predictor at the end or without one."""
        steps = [self.transformer() for _ in range(self.chance.integers(0, 3))]
        if self.rarely(0.15):
            columns = compose.make_column_transformer(
                (self.transformer(0), [0, 1]), (self.transformer(0), [2]),
                remainder=self.one(["drop", "passthrough"]),
            )  # fmt: skip
            steps.insert(0, columns)
        if not steps or not self.rarely(0.15):
            steps.append(self.predictor())
        model = pipeline.make_pipeline(*steps) if len(steps) > 1 or self.rarely(0.3) else steps[0]
        if is_classifier(model) and self.rarely(0.1):
            return calibration.CalibratedClassifierCV(model, cv=2)
        return model

    def of_table(self) -> Any:
        """Steps for a table of texts, categories, numbers and truths."""
        encoder = self.one([
            lambda: preprocessing.OneHotEncoder(handle_unknown="ignore"),
            lambda: preprocessing.OneHotEncoder(drop="if_binary"),
            lambda: preprocessing.OneHotEncoder(sparse_output=False, min_frequency=3,
                                                handle_unknown="infrequent_if_exist"),
            lambda: preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value",
                                                 unknown_value=-1),
            preprocessing.OrdinalEncoder,
            lambda: preprocessing.TargetEncoder(cv=2, target_type="continuous"),
            lambda: pipeline.make_pipeline(impute.SimpleImputer(strategy="most_frequent"),
                                           preprocessing.OneHotEncoder()),
            lambda: pipeline.make_pipeline(impute.SimpleImputer(strategy="constant",
                                                                fill_value="none"),
                                           preprocessing.OrdinalEncoder()),
        ])()  # fmt: skip
        figures = [pipeline.make_pipeline(impute.SimpleImputer(), self.transformer(1)),
                   self.transformer(0), "passthrough"]  # fmt: skip
        words = [
            CountVectorizer(),
            TfidfVectorizer(analyzer="char"),
            HashingVectorizer(n_features=9),
        ]
        parts = [(encoder, ["zip", "kind"]), (self.one(figures), ["size", "rooms"])]
        if self.rarely(0.5):
            parts.append((self.one(words), "note"))
        if self.rarely(0.3):
            parts.append(("passthrough", ["sold"]))
        order = self.chance.permutation(len(parts))
        divided = compose.make_column_transformer(
            *(parts[at] for at in order), sparse_threshold=self.one([0, 0.3, 1])
        )
        if self.rarely(0.15):
            divided.set_output(transform="pandas").sparse_threshold = 0
        steps = [divided] + [self.transformer() for _ in range(self.chance.integers(0, 2))]
        if not self.rarely(0.1):
            steps.append(self.predictor())
        model = pipeline.make_pipeline(*steps)
        if self.rarely(0.15):
            return model_selection.GridSearchCV(model, {}, cv=2)
        return frozen.FrozenEstimator(model) if self.rarely(0.05) else model


def table_of(chance: np.random.Generator, rows: int = models.ROWS) -> pd.DataFrame:
    """A table such as people have: codes, categories, numbers, truths and notes."""
    table = pd.DataFrame({
        "zip": chance.choice(["02134", "10001", "NA"], rows),
        "kind": chance.choice(["x", "1", "true"], rows),
        "size": np.round(chance.normal(size=rows) * 10, 3),
        "rooms": chance.integers(0, 5, rows),
        "note": chance.choice(["x yy zz", "yy good", "zz, bad"], rows),
        "sold": chance.random(rows) > 0.5,
    })  # fmt: skip
    if chance.random() < 0.3:
        table["zip"] = table["zip"].astype(chance.choice(["object", "category"]))
    if chance.random() < 0.3:
        table["kind"] = pd.Categorical(table["kind"])
    if chance.random() < 0.3:
        table.loc[table.index % 7 == 3, "size"] = np.nan
    if chance.random() < 0.2:
        table["rooms"] = table["rooms"].astype(
            chance.choice(["float32", "int8", "Int64", "Float64"])
        )
    if chance.random() < 0.1:
        table = table.set_index(pd.Index(range(100, 100 + rows)))
    return table


def draw(seed: int, attempts: int = 60) -> Drawn | None:
    """The model of one seed; None if nothing that was put together could be fitted."""
    draws = _Draw(seed)
    for _ in range(attempts):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return _drawn(draws)
            except Exception:  # steps that don't go together
                continue
    return None


def _drawn(draws: _Draw) -> Drawn:
    chance = draws.chance
    if draws.rarely(0.35):
        how, X = "table", table_of(chance)
        model = draws.of_table()
    else:
        how = draws.one(models.CONTAINERS)
        X = models.CONTAINERS[how](draws.one([models.FIGURES, models.WHOLE.astype(float)]))
        model = draws.of_numbers()
    at = chance.integers(0, 3, models.ROWS)
    y: Any = None
    named = ""
    if is_classifier(model):
        named = draws.one(LABELS)
        y = LABELS[named](at)
    else:
        named = draws.one(TARGETS)
        y = TARGETS[named](np.round(models.TARGET, 2))
    if how == "table" and hasattr(y, "index"):
        y = y.set_axis(X.index)
    model.fit(X, y)
    return Drawn(model, X, how, f"{' '.join(repr(model).split())} on {how}, of {named}")
