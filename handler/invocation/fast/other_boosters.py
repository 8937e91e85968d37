"""The scikit-learn classes of lightgbm and xgboost: what their boosters predict, without questions.

The booster is the library's own and predicts by its public method; left out is what the class asks
about the data and its own settings, which takes ten times as long for a row of lightgbm. Few rows
are predicted by one thread where the booster can be told so for one call: several wait for each
other for longer than one takes. catboost's classes ask little.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from handler.invocation.fast.estimators import Methods, Survey, known
from handler.invocation.fast.values import (
    Array,
    Compute,
    Elsewhere,
    SparseRows,
    Table,
    Values,
    exact,
)

# Parameters of lightgbm that its class has no name for, and that mean nothing once it is fitted.
_OF_TRAINING = frozenset({
    "verbose", "verbosity", "seed", "deterministic", "force_row_wise", "force_col_wise", "max_bin",
    "metric", "num_class", "first_metric_only", "early_stopping_round", "early_stopping_rounds",
    "is_unbalance", "scale_pos_weight", "feature_fraction", "feature_fraction_bynode",
    "bagging_fraction", "bagging_freq", "bagging_seed", "feature_fraction_seed", "data_random_seed",
    "lambda_l1", "lambda_l2", "min_data_in_leaf", "min_sum_hessian_in_leaf", "min_gain_to_split",
    "extra_trees", "path_smooth", "cat_smooth", "cat_l2", "max_cat_threshold", "linear_tree",
    "monotone_constraints", "interaction_constraints", "boost_from_average",
})  # fmt: skip


@known("sklearn.LGBMRegressor", library="lightgbm")
def _lightgbm_regressor(model: Any, survey: Survey) -> Methods:
    return {"predict": _lightgbm(model)}


@known("sklearn.LGBMClassifier", library="lightgbm")
def _lightgbm_classifier(model: Any, survey: Survey) -> Methods:
    raw, classes = _lightgbm(model), model.classes_
    two = len(classes) == 2 and model.objective_ == "binary"

    def probabilities(values: Values) -> Array:
        found = raw(values)
        return np.vstack((1.0 - found, found)).transpose() if two else found

    def predict(values: Values) -> Array:
        return classes[np.argmax(probabilities(values), axis=1)]  # type: ignore[no-any-return]

    return {"predict": predict, "predict_proba": probabilities}


def _lightgbm(model: Any) -> Compute:
    """What the booster says.

    Raises:
        LookupError: parameters that are passed on to it may change what it says.
    """
    if model._other_params.keys() - _OF_TRAINING or not isinstance(model.objective_, str):
        raise LookupError
    booster = model.booster_
    if booster.pandas_categorical:
        raise LookupError
    predict = booster.predict

    def raw(values: Values) -> Array:
        return predict(_numbers(values), num_threads=1)  # type: ignore[no-any-return]

    return raw


@known("sklearn.XGBRegressor", "sklearn.XGBRFRegressor", library="xgboost")
def _xgboost_regressor(model: Any, survey: Survey) -> Methods:
    return {"predict": _xgboost(model)}


@known("sklearn.XGBClassifier", "sklearn.XGBRFClassifier", library="xgboost")
def _xgboost_classifier(model: Any, survey: Survey) -> Methods:
    if model.objective not in ("binary:logistic", "multi:softprob"):
        raise LookupError
    raw, several = _xgboost(model), model.n_classes_ > 2

    def predict(values: Values) -> Array:
        found = raw(values)
        labels: Array = np.argmax(found, axis=1) if several else (found > 0.5).astype(np.int64)
        return labels

    def probabilities(values: Values) -> Array:
        found = raw(values)
        return found if several else np.vstack((1.0 - found, found)).transpose()

    return {"predict": predict, "predict_proba": probabilities}


def _xgboost(model: Any) -> Compute:
    """What the booster says of values in place.

    Raises:
        LookupError: it is asked in another way, or of other values than numbers.
    """
    booster = model.get_booster()
    if model.booster == "gblinear" or "c" in (booster.feature_types or ()):
        raise LookupError
    predict: Callable[..., Any] = booster.inplace_predict
    try:
        rounds = (0, model.best_iteration + 1)
    except AttributeError:  # it did not stop early
        rounds = (0, 0)
    missing = model.missing

    def raw(values: Values) -> Array:
        return predict(  # type: ignore[no-any-return]
            _numbers(values), iteration_range=rounds, missing=missing, validate_features=False
        )

    return raw


def _numbers(values: Values) -> Array:
    """Numbers as the booster is given them; of a table, as the libraries take a data frame's.

    Raises:
        Elsewhere: there are others, or what is not there means missing.
    """
    if isinstance(values, SparseRows):
        raise Elsewhere
    if not isinstance(values, Table):
        return values  # type: ignore[no-any-return]
    array = values.array()
    if array.dtype == np.int64:
        return exact(array).astype(np.float64)
    if array.dtype != np.float64:
        raise Elsewhere
    return array
