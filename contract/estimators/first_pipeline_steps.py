"""What a model's data meets first, inside searches, pipelines and models of models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contract.estimators.attributes import attribute, listed
from contract.estimators.class_names import class_name, library_of

# What hands its data on as it is, and where it keeps what it hands it to.
_ONE = ("best_estimator_", "regressor_", "estimator_", "estimator")
_HAND_ON = {
    **dict.fromkeys(
        (
            "model_selection.GridSearchCV",
            "model_selection.RandomizedSearchCV",
            "model_selection.HalvingGridSearchCV",
            "model_selection.HalvingRandomSearchCV",
            "model_selection.FixedThresholdClassifier",
            "model_selection.TunedThresholdClassifierCV",
            "compose.TransformedTargetRegressor",
            "frozen.FrozenEstimator",
            "semi_supervised.SelfTrainingClassifier",
        ),
        _ONE,
    ),
    **dict.fromkeys(
        (
            "ensemble.VotingClassifier",
            "ensemble.VotingRegressor",
            "ensemble.StackingClassifier",
            "ensemble.StackingRegressor",
            "multiclass.OneVsRestClassifier",
            "multiclass.OneVsOneClassifier",
            "multiclass.OutputCodeClassifier",
            "multioutput.MultiOutputClassifier",
            "multioutput.MultiOutputRegressor",
            "ensemble.BaggingClassifier",
            "ensemble.BaggingRegressor",
        ),
        ("estimators_",),
    ),
    "calibration.CalibratedClassifierCV": ("calibrated_classifiers_",),
    "calibration._CalibratedClassifier": ("estimator",),
}
# Models of models have few kinds of parts; the first ones tell of all.
MOST_PARTS = 50
_DEEPEST = 20


def parts_it_hands_to(model: Any) -> list[Any]:
    """The estimators that one hands its data to as it is; none if it uses the data itself."""
    name = class_name(type(model))
    if name == "sklearn.pipeline.FeatureUnion":
        pairs = [each for each in listed(model, "transformer_list") if len(each) == 2]
        return [part for _, part in pairs if not isinstance(part, str)]
    for where in _HAND_ON.get(name.removeprefix("sklearn."), ()):
        if where.endswith("s_"):
            return [part for part in listed(model, where)[:MOST_PARTS] if not isinstance(part, str)]
        part = attribute(model, where)
        if part is not None:
            return [part]
    return []


def steps_of(model: Any) -> list[Any]:
    """The steps of a pipeline, scikit-learn's own or one that has such, without empty ones."""
    steps = [
        each[1] for each in listed(model, "steps") if isinstance(each, tuple) and len(each) > 1
    ]
    return [
        step
        for step in steps
        if not (step is None or isinstance(step, str) or _is_for_fitting_only(step))
        and not _changes_nothing(step)
    ]


def _is_for_fitting_only(step: Any) -> bool:
    """Whether a step chooses among the rows while fitting, as imbalanced-learn's do."""
    kind = type(step)
    return callable(attribute(kind, "fit_resample")) and not callable(attribute(kind, "transform"))


def _changes_nothing(step: Any) -> bool:
    """Whether a step hands on its data as it is."""
    is_transformer = class_name(type(step)) == "sklearn.preprocessing.FunctionTransformer"
    return is_transformer and attribute(step, "func", step) is None


def first_parts(model: Any, deepest: int = _DEEPEST) -> Iterator[Any]:
    """The estimators that use a model's data first."""
    inside = steps_of(model)[:1] or parts_it_hands_to(model)
    if not inside or not deepest:
        yield model
        return
    for part in inside:
        yield from first_parts(part, deepest - 1)


def is_known(estimator: Any) -> bool:
    """Whether an estimator is of a library that notes what it was fitted on, and holds to it."""
    return library_of(type(estimator)) in ("sklearn", "xgboost", "lightgbm", "catboost")
