"""A loaded model answers faster by itself, and is otherwise what it was."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from contract.estimators.independent_rows import why_together
from contract.settings import ServingSettings
from handler.invocation.default_prediction import predictor_of
from handler.invocation.fast.instance import quicken
from handler.invocation.fast.shortcut import Shortcut
from handler.invocation.pipeline_loading import load_pipeline
from handler.invocation.request_types import Request
from tests.serving.fast.comparing import library_forbidden, warmed

X, y = load_iris(return_X_y=True)


def fitted() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)


def quick() -> Any:
    model = fitted()
    assert set(quicken(model)) == {
        "predict", "predict_proba", "predict_log_proba", "decision_function"
    }  # fmt: skip
    return model


def by_joblib(model: Any) -> Any:
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def test_its_methods_are_faster_and_the_same() -> None:
    model, plain = quick(), fitted()
    for name in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        method = getattr(model, name)
        warmed(method, [X[:1], X[:9]])
        with library_forbidden(method):
            assert method(X[:9]).tobytes() == getattr(plain, name)(X[:9]).tobytes()
    assert predictor_of(model) is model.predict


def test_what_else_it_is_stays() -> None:
    model, plain = quick(), fitted()
    assert type(model) is type(plain)
    assert model.get_params().keys() == plain.get_params().keys()
    assert repr(model) == repr(plain)
    assert inspect.signature(model.predict) == inspect.signature(plain.predict)
    assert model.predict.__doc__ == plain.predict.__doc__
    assert model.score(X, y) == plain.score(X, y)
    check_is_fitted(model)
    assert not hasattr(make_pipeline(PCA(2)).fit(X), "predict")


@pytest.mark.parametrize(
    "duplicate",
    [lambda one: pickle.loads(pickle.dumps(one)), by_joblib, copy.copy, copy.deepcopy],
    ids=["pickle", "joblib", "copy", "deepcopy"],
)
def test_a_copy_has_the_librarys_own_methods(duplicate: Callable[[Any], Any]) -> None:
    model = quick()
    other = duplicate(model)
    assert vars(other).keys() == vars(fitted()).keys()
    assert (other.predict(X) == model.predict(X)).all()
    assert isinstance(model.predict, Shortcut)


def test_a_method_by_itself_can_be_sent_to_other_processes() -> None:
    model = quick()
    other = pickle.loads(pickle.dumps(model.predict))
    assert not isinstance(other, Shortcut)
    assert (other(X) == model.predict(X)).all()
    assert model.predict.__self__ is model


def test_clones_and_cross_validation() -> None:
    model = quick()
    assert vars(clone(model)).keys() == vars(clone(fitted())).keys()
    assert cross_val_score(model, X, y, cv=3).tolist() == (
        cross_val_score(fitted(), X, y, cv=3).tolist()
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.fit(X, y[::-1]),
        lambda model: model[-1].fit(X - X.mean(axis=0), y[::-1]),
        lambda model: setattr(model[-1], "coef_", -model[-1].coef_),
        lambda model: model[0].set_params(with_mean=False),
        lambda model: model.set_params(standardscaler="passthrough"),
        lambda model: setattr(model[0], "transform", lambda X: X),
    ],
)
def test_a_model_that_is_changed_answers_as_it_now_is(change: Callable[[Any], Any]) -> None:
    model, plain = quick(), fitted()
    warmed(model.predict_proba, [X[:1], X[:9]])
    change(model)
    change(plain)
    assert model.predict_proba(X[:9]).tobytes() == plain.predict_proba(X[:9]).tobytes()


def test_the_librarys_settings_are_heeded() -> None:
    model = StandardScaler().fit(X)
    assert quicken(model) == ["transform"]
    warmed(model.transform, [X[:9]])
    with config_context(transform_output="pandas"):
        assert list(model.transform(X[:9]).columns) == ["x0", "x1", "x2", "x3"]
    assert type(model.transform(X[:9])) is np.ndarray
    with config_context(transform_output="pandas"):
        other = fitted()
        assert quicken(other) == []


def test_rows_of_several_requests_may_still_meet() -> None:
    assert why_together(quick()) is None


def test_other_arguments_are_the_librarys() -> None:
    model = quick()
    assert (model.predict(X=X[:9]) == fitted().predict(X[:9])).all()
    with pytest.raises(TypeError):
        model.predict()


@pytest.mark.parametrize(
    "made", [lambda a, b: {"one": a, "two": b}, lambda a, b: [a, b], lambda a, b: (a, b, 3)]
)
def test_models_in_a_collection(made: Any) -> None:
    one, two = fitted(), RandomForestClassifier(3).fit(X, y)
    quicken(made(one, two))
    assert isinstance(one.predict, Shortcut)
    assert isinstance(two.predict_proba, Shortcut)


@pytest.mark.parametrize("other", [None, 3, "text", object(), {}, lambda X: X])
def test_what_is_no_model_is_left_alone(other: Any) -> None:
    assert quicken(other) == []


SCRIPT = """
import joblib, os

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))

def predict_fn(data, model):
    return model.predict_proba(data)
"""


@pytest.mark.parametrize("setting", ["on", "off"])
def test_a_users_script_gains_without_an_edit(tmp_path: Path, setting: str) -> None:
    joblib.dump(fitted(), tmp_path / "model.joblib")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "inference.py").write_text(SCRIPT)
    settings = ServingSettings.from_environ({"BYO_FAST_PREDICTIONS": setting})
    pipeline = load_pipeline(tmp_path, settings)
    assert isinstance(pipeline.model.predict_proba, Shortcut) is (setting == "on")
    answer = pipeline.invoke(Request(b"5.1,3.5,1.4,0.2\n", "text/csv", "text/csv"))
    assert answer.status == 200


def test_off_is_off_for_the_default_too(tmp_path: Path) -> None:
    joblib.dump(fitted(), tmp_path / "model.joblib")
    settings = ServingSettings.from_environ({"BYO_FAST_PREDICTIONS": "off"})
    pipeline = load_pipeline(tmp_path, settings)
    assert not isinstance(pipeline._predictor, Shortcut)
